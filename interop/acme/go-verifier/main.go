// Looks a certificate up in a CRL and at an OCSP responder, with Go's own parsers and golang.org/x/crypto/ocsp.
//
//	go-verifier crl ROOT ISSUER LEAF CRLS
//	go-verifier ocsp ROOT ISSUER LEAF URL
//
// Files are PEM. Exit code 0: the certificate is good; 3: it is revoked; 1: something is wrong.
package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/ocsp"
)

var errRevoked = errors.New("the certificate is revoked")

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errRevoked) {
		os.Exit(3)
	}
	os.Exit(1)
}

func run(args []string) error {
	if len(args) != 5 {
		return errors.New("usage: go-verifier crl|ocsp ROOT ISSUER LEAF CRLS|URL")
	}
	var certificates []*x509.Certificate
	for _, file := range args[1:4] {
		block, err := blocks(file)
		if err != nil {
			return err
		}
		certificate, err := x509.ParseCertificate(block[0].Bytes)
		if err != nil {
			return err
		}
		certificates = append(certificates, certificate)
	}
	root, issuer, leaf := certificates[0], certificates[1], certificates[2]
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	intermediates.AddCert(issuer)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates}); err != nil {
		return err
	}
	if args[0] == "crl" {
		return byCrl(args[4], root, issuer, leaf)
	}
	return byOcsp(args[4], issuer, leaf)
}

func blocks(file string) ([]*pem.Block, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found []*pem.Block
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		found = append(found, block)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no PEM in it", file)
	}
	return found, nil
}

// Every list must be one of the chain's, and each of the chain must have one.
func byCrl(file string, root, issuer, leaf *x509.Certificate) error {
	lists, err := blocks(file)
	if err != nil {
		return err
	}
	asked := 0
	for _, block := range lists {
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return err
		}
		if time.Now().After(list.NextUpdate) || list.Number == nil {
			return errors.New("a list that is too old, or has no number")
		}
		subject := leaf
		err = list.CheckSignatureFrom(issuer)
		if err != nil {
			subject = issuer
			err = list.CheckSignatureFrom(root)
		}
		if err != nil {
			return err
		}
		asked++
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(subject.SerialNumber) == 0 {
				return errRevoked
			}
		}
	}
	if asked != 2 {
		return fmt.Errorf("%d lists, and two issuers", asked)
	}
	return nil
}

func byOcsp(url string, issuer, leaf *x509.Certificate) error {
	request, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Post(url, "application/ocsp-request", bytes.NewReader(request))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	// Checks the signature, and that who signed may.
	answer, err := ocsp.ParseResponseForCert(body, leaf, issuer)
	if err != nil {
		return err
	}
	switch answer.Status {
	case ocsp.Good:
		return nil
	case ocsp.Revoked:
		return errRevoked
	default:
		return errors.New("the responder does not know the certificate")
	}
}
