// Command sparse measures what reading a model takes that is larger than
// memory, without a disk that is as large: it makes a safetensors file that is
// mostly a hole, reads it plainly, and watches another command reading it.
//
//	GOWORK=off go build -o sparse.out ./sparse
//	./sparse.out -make big.safetensors -gib 64
//	./sparse.out -read big.safetensors
//	./sparse.out -watch big.safetensors -- quant inspect big.safetensors
//
// It is for Linux, whose /proc tells a process' own memory from what it maps.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	path := flag.String("make", "", "make a `file`")
	gib := flag.Float64("gib", 64, "how large, in `GiB`")
	dtype := flag.String("dtype", "BF16", "`type` of its tensors: BF16, F16 or F32")
	read := flag.String("read", "", "read a `file` plainly, on all cores")
	watch := flag.String("watch", "", "run the command in the arguments, which reads a `file`")
	flag.Parse()
	var err error
	switch {
	case *path != "":
		err = create(*path, int64(*gib*(1<<30)), *dtype)
	case *read != "":
		err = plain(*read)
	case *watch != "" && flag.NArg() > 0:
		err = run(*watch, flag.Args())
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sparse:", err)
		os.Exit(1)
	}
}

// create makes a file with layers of a large language model: matrices of
// 14336×4096. Some pages of each have values, the rest is a hole of zeros.
func create(path string, size int64, dtype string) (err error) {
	width := map[string]int64{"BF16": 2, "F16": 2, "F32": 4}[dtype]
	if width == 0 {
		return fmt.Errorf("type %q is none of BF16, F16 and F32", dtype)
	}
	const rows, cols = 14336, 4096
	type tensor struct {
		DType   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	each := rows * cols * width
	n := max(size/each, 1)
	header := make(map[string]tensor)
	for i := range n {
		name := fmt.Sprintf("model.layers.%d.mlp.up_proj.weight", i)
		header[name] = tensor{dtype, []int64{rows, cols}, [2]int64{i * each, (i + 1) * each}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	start := int64(8 + len(text))
	if _, err := f.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)); err != nil {
		return err
	}
	if err := f.Truncate(start + n*each); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	page := make([]byte, 4096)
	for i := range n {
		for range 16 {
			for j := int64(0); j < int64(len(page)); j += width {
				// A value of the size that weights have: 2^-4 or less.
				bits := random.Uint32()&0x80ffffff | 0x3c000000
				switch {
				case dtype == "F32":
					binary.LittleEndian.PutUint32(page[j:], bits)
				case dtype == "BF16":
					binary.LittleEndian.PutUint16(page[j:], uint16(bits>>16))
				default:
					binary.LittleEndian.PutUint16(page[j:], uint16(bits)&0x83ff|0x2800)
				}
			}
			if _, err := f.WriteAt(page, start+i*each+random.Int64N(each/4096-1)*4096); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%s: %d tensors of %d×%d %s, %d bytes\n", path, n, rows, cols, dtype, start+n*each)
	return nil
}

// plain reads a file from its beginning to its end, a mebibyte at a time.
func plain(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	const block = 1 << 20
	workers := int64(runtime.GOMAXPROCS(0))
	errs := make([]error, workers)
	begin := time.Now()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			b := make([]byte, block)
			for off := w * block; off < st.Size(); off += workers * block {
				if _, err := f.ReadAt(b, off); err != nil && err != io.EOF {
					errs[w] = err
					return
				}
			}
		})
	}
	all.Wait()
	say("read plainly", st.Size(), time.Since(begin))
	return errors.Join(errs...)
}

func say(what string, size int64, d time.Duration) {
	fmt.Printf("%s: %d bytes in %.1f s, %.2f GB/s\n", what, size, d.Seconds(), float64(size)/d.Seconds()/1e9)
}

// run runs a command that reads the file at path and says how long it took, and
// how much memory at most.
func run(path string, command []string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	c := exec.Command(command[0], command[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	begin := time.Now()
	if err := c.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	peak := make(map[string]int64)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			say("command", st.Size(), time.Since(begin))
			fmt.Printf("its memory at most: %d MiB; mapped of files: %d MiB\n", peak["RssAnon"]>>10, peak["RssFile"]>>10)
			return err
		case <-tick.C:
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
			for line := range bytes.Lines(status) {
				key, value, _ := bytes.Cut(line, []byte(":"))
				if k := string(key); k == "RssAnon" || k == "RssFile" {
					n, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 10, 64)
					peak[k] = max(peak[k], n)
				}
			}
		}
	}
}
