package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// row is what a measurement prints.
type row struct {
	Data, Network, At       string
	Steps                   int
	CPUSeconds, Seconds     float64 // of the training so far
	Bound, BoundSE          float64 // bits/dim of the test split
	Recon, Prior, Diffusion float64
	Images, Times           int
	SampleSeconds           float64 // 64 images, compilation apart
	Picture                 string
}

const (
	gridSide = 8  // pictures a side
	times    = 8  // at which the bound looks at each image
	rows     = 16 // images of a batch of the bound
)

// measure evaluates the model, samples from it, and prints a row, which it returns.
func (j *job) measure(m *vdm.Model, at string, steps int, cpu, wall float64) ([]byte, error) {
	batches, err := testBatches(j.test, rows, j.o.images)
	if err != nil {
		return nil, err
	}
	e, err := j.bound(m, batches)
	if err != nil {
		return nil, err
	}
	if _, err := j.draw(m); err != nil { // compiles
		return nil, err
	}
	start := time.Now()
	x, err := j.draw(m)
	if err != nil {
		return nil, err
	}
	took := time.Since(start).Seconds()
	picture := filepath.Join(j.dir, at+".png")
	if err := writeGrid(picture, x, j.c.Height, j.c.Width); err != nil {
		return nil, err
	}
	text, err := json.Marshal(row{j.o.data, j.c.String(), at, steps, round(cpu), round(wall),
		e.Bound.Mean, e.Bound.SE, e.Recon.Mean, e.Prior.Mean, e.Diffusion.Mean, e.N, e.Times, round(took), filepath.Base(picture)})
	text = append(text, '\n')
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return text, err
}

// conditional returns whether the model is given something.
func (j *job) conditional() bool { return j.o.classes || j.o.coarse > 0 }

// bound evaluates the bound of the images, given their conditions if the model has one.
func (j *job) bound(m *vdm.Model, batches [][]*tensors.Tensor) (vdm.Evaluation, error) {
	if !j.conditional() {
		var images []*tensors.Tensor
		for _, x := range batches {
			images = append(images, x[0])
		}
		return m.Evaluate(images, times, j.o.seed)
	}
	if !j.o.classes {
		for i := range batches {
			batches[i] = batches[i][:1]
		}
	}
	return m.EvaluateGiven(batches, times, j.o.seed)
}

// draw draws the picture: row by row one class after the other, or from the first images of the test split made small.
func (j *job) draw(m *vdm.Model) ([][]float64, error) {
	const n = gridSide * gridSide
	s, y := vdm.Sampling{Steps: j.o.sampling}, vdm.Condition{}
	if !j.conditional() {
		return m.Sample(n, s, j.o.seed)
	}
	for i := range n {
		if j.o.classes {
			y.Labels = append(y.Labels, i%labels)
		} else {
			y.Coarse = append(y.Coarse, coarse(j.test.At(i), j.test.Width, j.o.coarse))
		}
	}
	return m.SampleGiven(y, 1, s, j.o.seed)
}

// coarse returns the means of cells of k × k pixels of a grey image.
func coarse(x []float32, width, k int) []float64 {
	small := make([]float64, len(x)/(k*k))
	for i, v := range x {
		small[i/width/k*(width/k)+i%width/k] += float64(v) / float64(k*k)
	}
	return small
}

// testBatches returns the first images of the test split, and their labels, in batches of one shape.
func testBatches(test *datasets.Images, rows, images int) ([][]*tensors.Tensor, error) {
	loader, err := datasets.NewLoader(test.Spatial(), rows, 0, datasets.Options{Sequential: true})
	if err != nil {
		return nil, err
	}
	n := min((images+rows-1)/rows, loader.BatchesPerEpoch())
	batches := make([][]*tensors.Tensor, n)
	for i := range batches {
		if batches[i], err = loader.Batch(i); err != nil {
			return nil, err
		}
	}
	return batches, nil
}

// writeGrid writes grey images, rows of intensities, as one PNG of gridSide a row, each pixel 4 wide.
func writeGrid(path string, images [][]float64, height, width int) error {
	const zoom, gap = 4, 1
	size := func(pixels, n int) int { return (n*(pixels+gap) - gap) * zoom }
	picture := image.NewGray(image.Rect(0, 0, size(width, gridSide), size(height, len(images)/gridSide)))
	for y := range picture.Rect.Max.Y {
		for x := range picture.Rect.Max.X {
			i, row := y/zoom/(height+gap), y/zoom%(height+gap)
			k, column := x/zoom/(width+gap), x/zoom%(width+gap)
			value := uint8(128) // the gap
			if row < height && column < width {
				value = uint8(math.Round(255 * images[i*gridSide+k][row*width+column]))
			}
			picture.SetGray(x, y, color.Gray{Y: value})
		}
	}
	var buffer bytes.Buffer
	if err := png.Encode(&buffer, picture); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, buffer.Bytes(), 0o644)
}

// cpuSeconds is the time that this process has computed for, on all cores together.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func round(seconds float64) float64 { return math.Round(seconds*10) / 10 }
