// Command diffusion trains a diffusion model of images and measures its variational bound on the test split.
//
//	go -C docs/examples run ./diffusion -data fashion -net patch -minutes 45 -dir runs
//	go -C docs/examples run ./diffusion -data digits -steps 1500 -dir runs
//
// With -minutes it trains at a constant rate for four fifths of that many minutes of CPU time, and then for a quarter of
// the steps so far at a rate that falls to 0. On the way it stops the clock at each of -marks: the averaged weights
// of that moment are measured and sampled, and the run goes on as if nothing had happened. With -steps it is one run of that
// many steps under a cosine.
//
// A run that is stopped (Ctrl-C, SIGTERM) goes on from there when it is started again. The same command on a finished run
// measures it again. A larger -minutes goes on with the constant rate and cools down anew. Each measurement is one JSON line on standard output and a picture of 64
// samples, and -ship copies the finished weights, in half width, for others to load.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	flag.StringVar(&o.data, "data", "fashion", "fashion (28x28, from the system's package, the cache or a download) or digits (embedded)")
	flag.StringVar(&o.net, "net", "", "patch or unet; empty takes the one with the better bound for its minutes (docs/results.md): the U-Net for "+
		"more than 15 minutes of Fashion-MNIST, the patch transformer otherwise")
	flag.Float64Var(&o.minutes, "minutes", 45, "CPU minutes to train for")
	flag.IntVar(&o.steps, "steps", 0, "train for this many steps under a cosine, in place of -minutes")
	flag.StringVar(&o.marks, "marks", "5,15,45", "CPU minutes at which to measure on the way")
	flag.StringVar(&o.dir, "dir", "runs", "folder that keeps the runs and the pictures")
	flag.Int64Var(&o.seed, "seed", 1, "of the weights, the batches and the noise")
	flag.IntVar(&o.images, "evaluate", 1024, "images of the test split to measure on")
	flag.IntVar(&o.sampling, "sample", 50, "steps of DDIM for the picture")
	flag.StringVar(&o.ship, "ship", "", "folder to copy the finished weights to, with the measurement beside them")
	flag.Parse()
	b, err := backend.Open("")
	if err != nil {
		return err
	}
	j, err := newJob(b, o)
	if err != nil {
		return err
	}
	return j.run(context.Background())
}
