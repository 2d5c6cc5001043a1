// Command quant shows what quantization does to tensors and models.
package main

func main() {}
