// Package tasks holds the two tasks of notebook 17, all families on a swiss roll and on digits, for the tests and the benchmark that
// measure the models which come with it. The models' checkpoints hold the tasks' numbers: one that differs here is an error there.
package tasks

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/digits"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/family"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

// Load makes batches of rows.
func Load(rows [][]float64, batch int) fit.Batches {
	return datasets.MustLoader(datasets.MustTable("rows", rows), batch, 1, datasets.Options{})
}

// trainer loads what dir holds.
func trainer(b compute.Backend, dir string, t family.Task) family.Trainer {
	t.Load = Load
	return family.Trainer{Task: t, Context: context.Background(), Backend: b, Dir: dir}
}

// Spiral is the roll.
var Spiral = toys.Spiral{Start: 1.5 * math.Pi, End: 4.5 * math.Pi, Scale: 2 / (4.5 * math.Pi), StdDev: .1}

// OnRoll draws n points of it.
func OnRoll(n int, seed int64) (rows [][]float64) {
	for _, x := range Spiral.Sample(n, seed).X {
		rows = append(rows, []float64{x[0], x[1]})
	}
	return rows
}

// Roll is the task in the plane.
func Roll(b compute.Backend, dir string) family.Trainer {
	return trainer(b, dir, family.Task{Name: "fam-roll", Rows: OnRoll(20_000, 1), Hidden: []int{128, 128, 128}, Code: 2, Noise: 4,
		Cells: family.Cells{Lo: -3, Hi: 3, Bits: 7}, Least: .05, Steps: 2000, Batch: 300, Rate: 4e-3,
		Energy: family.Energy{Std: 2, Size: .02, Steps: 5, Chains: 1000, Draw: 500, Moves: 1000},
		Game:   family.Game{Loss: gan.NonSaturating, Penalty: .2, DSteps: 1, Rate: 2e-3}})
}

// RollJudge compares with n points that nobody was trained on.
func RollJudge(n int) family.Judge {
	var stretches [][]float64
	for i := range 16 {
		at := Spiral.At((float64(i) + .5) / 16)
		stretches = append(stretches, at[:])
	}
	seed := int64(100)
	return family.Judge{Data: OnRoll(n, 2), Pairs: 40, Space: metric.Pixels(), K: 3, Modes: stretches, Far: .6, Share: .1 / 16,
		Pair: func() [2][][]float64 { seed += 2; return [2][][]float64{OnRoll(n, seed), OnRoll(n, seed+1)} },
		Exact: func(x [][]float64) (l []float64) {
			for _, row := range x {
				l = append(l, Spiral.LogProb([2]float64{row[0], row[1]}))
			}
			return l
		}}
}

// Dequantised returns the images as y = 2(v+u)/17 − 1, each with noise u of its own.
func Dequantised(d *datasets.Images, seed uint64) (rows [][]float64) {
	rng := rand.New(rand.NewPCG(seed, 17))
	for i := range d.Len() {
		var row []float64
		for _, v := range d.At(i) {
			row = append(row, 2*(math.Round(16*float64(v))+rng.Float64())/17-1)
		}
		rows = append(rows, row)
	}
	return rows
}

// Levels rounds y to the intensity of its level, from 0 to 1.
func Levels(y [][]float64) (rows [][]float64) {
	for _, row := range y {
		var out []float64
		for _, v := range row {
			out = append(out, math.Min(math.Max(math.Floor((v+1)/2*17), 0), 16)/16)
		}
		rows = append(rows, out)
	}
	return rows
}

// Digits is the task on digits.
func Digits(b compute.Backend, dir string) family.Trainer {
	var rows [][]float64
	for copy := range uint64(4) {
		rows = append(rows, Dequantised(digits.Train(), copy)...)
	}
	return trainer(b, dir, family.Task{Name: "fam-digits", Rows: rows, Hidden: []int{256, 256}, Code: 16, Noise: 32,
		Cells: family.Cells{Lo: -1, Hi: -1 + 2*32./17, Bits: 5, Hidden: []int{512}, Steps: 600}, Least: .1, Steps: 2000, Batch: 100, Rate: 2e-3,
		Energy: family.Energy{Std: 1, Size: .005, Steps: 5, Chains: 1000, Draw: 500, Moves: 700, AIS: [2]int{256, 500}},
		Game:   family.Game{Loss: gan.NonSaturating, Penalty: .2, DSteps: 1, Rate: 1e-3}})
}

// DigitJudge compares with the test digits.
func DigitJudge() family.Judge {
	rng, test := rand.New(rand.NewPCG(51, 0)), Dequantised(digits.Test(), 9)
	means, train := make([][]float64, 10), digits.Train()
	known := Dequantised(train, 0)
	clean := Levels(known)
	for i, row := range clean {
		class := train.Labels[i]
		if means[class] == nil {
			means[class] = make([]float64, 64)
		}
		floats.AddScaled(means[class], 10./digits.TrainLen, row) // the classes are about equally large
	}
	return family.Judge{Data: test, Pairs: 20, K: 3, Clean: Levels, Space: metric.PCA(clean, 20),
		Modes: means, Far: 100, Share: .1 / 10,
		Pair: func() [2][][]float64 { // real digits that were trained on, and the test digits, which other people wrote
			rng.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
			return [2][][]float64{slices.Clone(known[:len(test)]), test}
		}}
}

// Bits turns nats of a digit y into bits per dimension of its levels.
func Bits(nats float64) float64 {
	return metric.BitsPerDim([]float64{nats, nats}, 64, metric.UniformDequantisation(17, -1, 1)).Mean()
}
