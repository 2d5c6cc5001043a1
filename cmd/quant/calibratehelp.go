package main

// The help texts of quant calibrate.

// calibrateLong is the long help of quant calibrate.
const calibrateLong = `Observe tensors that come in batches, activations for instance, and choose a
range for each, from which its scale and zero point follow.

Each of FILES is a batch, or several: .npz and .safetensors have a tensor for
each name, .npy has one tensor, whose name --name gives. "-" is standard input:
.npy files one after the other, as numpy.save writes them to a pipe. Tensors of
one name in several files are batches of the same tensor. They may differ in
shape, but not in the number of channels. Files are read in pieces, several at a
time.

Methods choose a range from the values of all batches:

  minmax        the smallest and the largest value
  percentile=P  leaves out the outer (100-P) percent of the values, half at each
                end
  magnitude=P   leaves out the (100-P) percent of the largest magnitudes
  mse           the range with the least squared error
  mae           the range with the least absolute error
  entropy       the range whose codes are distributed most like the values
  ema=M         averages over batches of the smallest and of the largest value;
                M is the weight of a batch

All but ema give the same result whatever the order of the batches. With
groups, or with ema, an array of standard input that is larger than 64 MiB goes
through a temporary file.

A text or CSV file is a batch too. Parts of files that were left out are listed;
with --format json, on standard error.

--state writes the statistics of the values. With --merge FILES are states, and
the result is that of all batches together, to the last bit. FILES may also have
both states and batches, to add batches to a state. A state has the scheme that
it was made for; --method, --bits, --unsigned, --mapping, --narrow-range,
--zero-in-range and --for may choose another. A state that was made for minmax
has no other method.

--for SYSTEM gives the scheme of a system's activations: onnxruntime and pytorch
have uint8, tensorrt symmetric int8, tflite int8. The others need no
calibration.

--moments keeps the second moments of the inputs of layers: the mean of the
product of any two inputs. quant plan --sensitivity and quant quantize
--feedback use them. Tensors have the names of weights, with or without .weight
(--name says that of those that have none), and their last axis counts inputs.
With --layers MODEL.onnx they are values of that model, as quant observe
--layers returns them; the windows of convolutions and the states of recurrent
layers are cut from them. A layer of n inputs takes 8·n·(n+1) bytes. Layers that
do not fit into --moments-memory, the largest, keep the mean square of each
input alone. Files of second moments may stand among FILES, and --merge joins
them, to the last bit.

The calibration file is for quant quantize --calibration and for programs: see
docs/calibration-file.md.

A file that exists is replaced only with --force, and one that is read never,
except for a state that is among FILES and that --state names too, and second
moments in the same way.

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage, 130
interrupted.`

// calibrateExample has the examples of quant calibrate.
const calibrateExample = `  quant calibrate batches/*.npz --method percentile=99.99 -o calibration.json
  quant calibrate act/*.npy --name relu1 --method mse --bits 4 -o relu1.json
  python3 dump.py | quant calibrate - --name relu1 --method mae -o relu1.json
  quant calibrate part1/*.npz --method mse --state part1.state
  quant calibrate --merge part*.state -o calibration.json
  quant calibrate batches/*.npz --layers model.onnx --moments inputs.moments`
