module github.com/a01592f9/quant/cmd

go 1.25.0

require github.com/a01592f9/quant v0.0.0

replace github.com/a01592f9/quant => ../
