module github.com/a01592f9/quant/peers

go 1.25.0

require (
	github.com/a01592f9/quant v0.0.0
	github.com/ebitengine/purego v0.11.3
	github.com/viterin/vek v0.4.3
)

require (
	github.com/chewxy/math32 v1.10.1 // indirect
	github.com/klauspost/cpuid/v2 v2.4.2 // indirect
	github.com/viterin/partial v1.1.0 // indirect
	golang.org/x/exp v0.0.0-20230817173708-d852ddb80c63 // indirect
	golang.org/x/sys v0.46.0 // indirect
)

replace github.com/a01592f9/quant => ../
