package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"testing"
)

// parse returns the flags of arguments, and the globs behind them.
func parse(t *testing.T, args ...string) (*Flags, []string, *bytes.Buffer) {
	t.Helper()
	set := flag.NewFlagSet("quant-beam", flag.ContinueOnError)
	out := new(bytes.Buffer)
	set.SetOutput(out)
	f := Register(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f, set.Args(), out
}

func TestCheck(t *testing.T) {
	for _, test := range []struct{ command, args, want string }{
		{"", "-o=o g", "a command is missing: calibrate, compare or sweep; see quant-beam -help"},
		{"calibrat", "-o=o g", `there is no command "calibrat": there are calibrate, compare and sweep; see quant-beam -help`},
		{"compare", "-o=o", "globs of files are missing"},
		{"compare", "g", "-o is missing: the file to write"},
		{"compare", "-o=o g -bits=4", "flag -bits=4 comes after a glob: flags come first"},
		{"calibrate", "-o=o -skip-bad g", "-skip-bad and -bad go together: no bad file may be lost"},
		{"calibrate", "-o=o -bad=b g", "-skip-bad and -bad go together: no bad file may be lost"},
		{"calibrate", "-o=o -bits=4 g", "-bits is a flag of compare and sweep, not of calibrate"},
		{"compare", "-o=o -scheme=int8 g", "-scheme is a flag of calibrate, not of compare"},
		{"compare", "-o=o -target=30 g", "-target is a flag of sweep, not of compare"},
		{"calibrate", "-o=o -fan-out=-1 g", "-fan-out -1 is negative"},
		{"calibrate", "-o=o -state=o g", "-o and -state name the same file"},
		{"compare", "-o=a/r.npy a/*.npy", "-o a/r.npy is a file that a/*.npy names: it would be read and replaced"},
		{"calibrate", "-o=o -skip-bad -bad=b -state=s g", ""},
		{"sweep", "-o=o -target=30 -bits=2-4 g h", ""},
	} {
		t.Run(test.command+" "+test.args, func(t *testing.T) {
			f, globs, _ := parse(t, strings.Fields(test.args)...)
			err := f.Check(test.command, globs)
			if err == nil && test.want == "" {
				return
			}
			var usage *UsageError
			if err == nil || err.Error() != test.want || !errors.As(err, &usage) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestReportOptions(t *testing.T) {
	for _, test := range []struct{ command, args, want string }{
		{"compare", "a b", `{"bits":8,"unsigned":false,"mapping":"asymmetric","axis":null,"group_size":0,"group_axis":null,"narrow_range":false,"zero_in_range":false,"tensors":[],"method":"minmax","codes":false}`},
		{"compare", "-bits=4 -mapping=symmetric -axis=-1 -group-size=32 -tensor=a* -tensor=b a", `{"bits":4,"unsigned":false,"mapping":"symmetric","axis":-1,"group_size":32,"group_axis":null,"narrow_range":false,"zero_in_range":false,"tensors":["a*","b"],"method":"minmax","codes":false}`},
		{"sweep", "a", `{"bits":[2,3,4,5,6,8],"group_sizes":[128,32],"unsigned":false,"mapping":"asymmetric","axis":null,"group_axis":null,"narrow_range":false,"zero_in_range":false,"method":"minmax","tensors":[],"target_db":null}`},
		{"sweep", "-bits=3,8 -group-size=0 -target=0 -method=mse a", `{"bits":[3,8],"group_sizes":[],"unsigned":false,"mapping":"asymmetric","axis":null,"group_axis":null,"narrow_range":false,"zero_in_range":false,"method":"mse","tensors":[],"target_db":0}`},
		{"compare", "-bits=4 -mapping=symmetric -divisor=half a", `{"bits":4,"unsigned":false,"mapping":"symmetric","axis":null,"group_size":0,"group_axis":null,"narrow_range":false,"zero_in_range":false,"tensors":[],"method":"minmax","codes":false,"divisor":"half"}`},
		{"sweep", "-bits=4 -group-size=0 -mapping=symmetric -signed-scale -divisor=far a", `{"bits":[4],"group_sizes":[],"unsigned":false,"mapping":"symmetric","axis":null,"group_axis":null,"narrow_range":false,"zero_in_range":false,"method":"minmax","tensors":[],"target_db":null,"signed_scale":true}`},
		{"compare", "-divisor=half a", "the divisor half is for integers and the symmetric mapping"},
		{"compare", "-mapping=symmetric -divisor=third a", `divisor "third" is none of far, half and each`},
		{"compare", "-signed-scale a", "a signed scale is for integers and the symmetric mapping"},
		{"compare", "-mapping=symmetric -signed-scale -narrow-range a", "a signed scale is not for the narrow range, which has as many codes below 0 as above"},
		{"sweep", "-mapping=symmetric -signed-scale -divisor=each a", "a signed scale is for the divisor far, not for each"},
		{"compare", "-bits=x a", `-bits "x" is not a number`},
		{"compare", "-bits=17 a", "17 bits: a code has 2 to 16"},
		{"compare", "-group-size=-3 a", `-group-size "-3" is not a positive number`},
		{"compare", "-method=ema=0.5 a", "method ema=0.5: moving averages need batches, see quant calibrate"},
		{"compare", "-mapping=up a", `mapping "up" is neither asymmetric nor symmetric`},
		{"compare", "-tensor=[ a", `"[" is not a pattern: syntax error in pattern`},
		{"sweep", "-target=nan a", "the target NaN is not a finite number"},
		{"sweep", "-bits=4-2 a", `-bits: "4-2" is neither a number nor a range as 2-8`},
		{"sweep", "-group-size=-1 a", `-group-size: "-1" is neither a number nor a range as 2-8`},
	} {
		t.Run(test.command+" "+test.args, func(t *testing.T) {
			f, globs, _ := parse(t, strings.Fields(test.args)...)
			source, compare, sweep, err := f.Report(test.command, globs)
			if err != nil {
				if err.Error() != test.want {
					t.Errorf("error %v, want %s", err, test.want)
				}
				return
			}
			if want := strings.Join(globs, " "); source != want {
				t.Errorf("source %q, want %q", source, want)
			}
			got, err := json.Marshal(compare)
			if sweep != nil {
				got, err = json.Marshal(sweep)
			}
			if err != nil || string(got) != test.want {
				t.Errorf("%s, error %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for command, want := range map[string][2]string{ // what the help has, and what it lacks
		"":          {"Exit codes", "nothing like this"},
		"calibrate": {"-scheme scheme", "-bits"},
		"compare":   {"-bits n", "-target"},
		"sweep":     {"-target dB", "-scheme"},
	} {
		f, _, out := parse(t)
		f.Usage(command)
		if text := out.String(); !strings.Contains(text, want[0]) || strings.Contains(text, want[1]) {
			t.Errorf("help of %q lacks %q or has %q:\n%s", command, want[0], want[1], text)
		}
	}
}

// TestOwnFlags makes sure that every flag is in the help of a command.
func TestOwnFlags(t *testing.T) {
	f, _, _ := parse(t)
	listed := map[string]bool{}
	for _, i := range own {
		listed[i.name] = true
	}
	f.set.VisitAll(func(x *flag.Flag) {
		if !listed[x.Name] {
			t.Errorf("-%s is in no help", x.Name)
		}
	})
}

func TestMessage(t *testing.T) {
	for text, want := range map[string]string{
		"x": "x",
		"job failed:\nplan\n\tcaused by:\nDoFn failed:\n\tinvoking AddInput\nx.npy: tensor \"x\": NaN at index 7": `x.npy: tensor "x": NaN at index 7`,
		"job failed:\npanic: index out of range goroutine 7:\nmain.f()\n\t/a/b.go:7":                              "panic: index out of range goroutine 7:",
	} {
		if got := Message(errors.New(text)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
