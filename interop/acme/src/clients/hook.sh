#!/bin/sh
# What clients call to have a challenge answered: dehydrated and uacme with words before, certbot with variables.
# DNS_URL is where TXT records are put, ALPN_FOLDER where certificates for tls-alpn-01 are, WEB_FOLDER where files for http-01 go,
# UALPN_SOCKET where ualpn is told.
set -eu

txt() { # present|cleanup NAME VALUE
  curl -sS --fail --max-time 30 --data "{\"fqdn\":\"_acme-challenge.$2.\",\"value\":\"$3\"}" "$DNS_URL/$1"
}

# A server that shows one certificate, to who asks for acme-tls/1.
alpn_begin() { # NAME
  setsid openssl s_server -quiet -accept 443 -alpn acme-tls/1 \
    -cert "$ALPN_FOLDER/$1.crt.pem" -key "$ALPN_FOLDER/$1.key.pem" >/dev/null 2>&1 </dev/null &
  echo $! >"$ALPN_FOLDER/pid"
  for _ in $(seq 100); do
    if ss -Hltn 'sport = :443' | grep -q .; then return; fi
    sleep 0.1
  done
  echo 'nobody listens at 443' >&2
  exit 1
}
alpn_end() { kill "$(cat "$ALPN_FOLDER/pid")" || true; }

case ${1-} in
# dehydrated: HANDLER NAME TOKEN VALUE
deploy_challenge) if [ -n "${ALPN_FOLDER-}" ]; then alpn_begin "$2"; else txt present "$2" "$4"; fi ;;
clean_challenge) if [ -n "${ALPN_FOLDER-}" ]; then alpn_end; else txt cleanup "$2" "$4"; fi ;;
# uacme: METHOD TYPE NAME TOKEN VALUE; another exit code than 0 declines a challenge
begin | done | failed)
  case $2 in
  dns-01)
    [ -z "${WEB_FOLDER-}${UALPN_SOCKET-}" ] || exit 1
    [ "$1" = begin ] && what=present || what=cleanup
    txt "$what" "$3" "$5"
    ;;
  http-01)
    [ -n "${WEB_FOLDER-}" ] || exit 1
    if [ "$1" = begin ]; then printf %s "$5" >"$WEB_FOLDER/$4"; else rm -f "$WEB_FOLDER/$4"; fi
    ;;
  tls-alpn-01)
    [ -n "${UALPN_SOCKET-}" ] || exit 1
    if [ "$1" = begin ]; then word="auth $3 $5"; else word="unauth $3"; fi
    [ "$(echo "$word" | ualpn --sock "$UALPN_SOCKET")" = OK ]
    ;;
  *) exit 1 ;;
  esac
  ;;
# certbot
present | cleanup) txt "$1" "$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION" ;;
# dehydrated has more to tell.
*) ;;
esac
