module handfast.test/lego

go 1.26.0

require github.com/go-acme/lego/v5 v5.2.2
