// Command vae trains a variational autoencoder on digits or Fashion-MNIST and measures it on the test split.
//
//	go -C docs/examples run ./vae -data digits
//	go -C docs/examples run ./vae -data fashion -seeds 1,2,3
//
// It prints one JSON line a seed: the test bound and the importance-weighted negative log-likelihood in nats an image,
// with standard errors over the images. A run that is stopped goes on where it was; -dir keeps it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/digits"
	"github.com/lowerbound-ml/lowerbound/datasets/mnist"
	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

const (
	batch        = 128
	learningRate = 1e-3
)

// task is a data set with the architecture and the budget that suit it.
type task struct {
	config      vae.Config
	steps       int
	train, test *datasets.Images
	rows        int // of a batch of the test split
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	name := flag.String("data", "digits", "digits (embedded) or fashion (28x28, from the system's package, the cache or a download)")
	seeds := flag.String("seeds", "1", "comma-separated seeds, a run each")
	steps := flag.Int("steps", 0, "optimiser steps; 0 takes the data set's own")
	draws := flag.Int("draws", 500, "draws an image of the importance-weighted estimate")
	dir := flag.String("dir", "", "directory that keeps the runs; empty trains in memory only")
	flag.Parse()
	t, err := newTask(*name)
	if err != nil {
		return err
	}
	if *steps > 0 {
		t.steps = *steps
	}
	b, err := backend.Open("")
	if err != nil {
		return err
	}
	for _, s := range strings.Split(*seeds, ",") {
		seed, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("-seeds: %w", err)
		}
		if err := t.trainAndMeasure(b, *name, *dir, seed, *draws); err != nil {
			return err
		}
	}
	return nil
}

func newTask(name string) (t task, err error) {
	switch name {
	case "digits":
		t = task{config: vae.Config{Data: 64, Latent: 8, Hidden: []int{128}}, steps: 2200, rows: 99}
		t.train, t.test = digits.Train(), digits.Test()
	case "fashion":
		t = task{config: vae.Config{Data: 784, Latent: 20, Hidden: []int{400}}, steps: 9360, rows: 20}
		t.train, t.test, err = mnist.Fashion(context.Background(), datasets.Source{})
	default:
		err = fmt.Errorf("-data %q, expected digits or fashion", name)
	}
	return t, err
}

// row is what a run prints.
type row struct {
	Peer, Data, Network, Backend, Machine string
	Seed                                  int64
	Steps                                 int
	Bound, BoundSE, NLL, NLLSE            float64 // nats an image
	Images, Draws                         int
	TrainSeconds, TestSeconds             float64
}

func (t task) trainAndMeasure(b compute.Backend, name, dir string, seed int64, draws int) error {
	loader, err := datasets.NewLoader(t.train, batch, seed, datasets.Options{})
	if err != nil {
		return err
	}
	build := func(scope *model.Scope) vae.VAE { return vae.New(scope, t.config) }
	loss := t.config.Loss(1, 1)
	c := fit.Config{Steps: t.steps, LearningRate: learningRate, Seed: seed, Progress: fit.Bar(os.Stderr), Tag: name}
	store := model.NewStore()
	var report fit.Report
	if dir == "" {
		report, err = fit.Train(context.Background(), b, store, loss, loader, c)
	} else {
		report, err = fit.LoadOrTrain(context.Background(), b, filepath.Join(dir, fmt.Sprintf("vae-%s-%d", name, seed)), store, loss, loader, c)
	}
	if err != nil {
		return err
	}
	batches, err := testBatches(t.test, t.rows)
	if err != nil {
		return err
	}
	start := time.Now()
	e, err := vae.Evaluate(b, store, build, batches, draws, seed)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(row{
		"lowerbound", name, t.config.String(), backend.Describe(b), fmt.Sprintf("%d cores %s", runtime.NumCPU(), runtime.GOARCH), seed, report.Steps,
		e.Bound.Mean, e.Bound.SE, e.NLL.Mean, e.NLL.SE, e.N, e.K, report.Seconds, time.Since(start).Seconds(),
	})
}

// testBatches returns all images in batches of one shape, so that one program is compiled.
func testBatches(test *datasets.Images, rows int) ([]*tensors.Tensor, error) {
	if test.Len()%rows != 0 {
		return nil, errors.New("the test split is no whole number of batches")
	}
	loader, err := datasets.NewLoader(test, rows, 0, datasets.Options{Sequential: true})
	if err != nil {
		return nil, err
	}
	var batches []*tensors.Tensor
	for step := range loader.BatchesPerEpoch() {
		x, err := loader.Batch(step)
		if err != nil {
			return nil, err
		}
		batches = append(batches, x[0])
	}
	return batches, nil
}
