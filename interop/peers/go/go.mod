module handfast.example/interop

go 1.26
