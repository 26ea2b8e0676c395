module handfast.example/interop/legacy

go 1.26
