module github.com/a01592f9/quant

go 1.25.0
