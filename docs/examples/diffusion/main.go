// Command diffusion trains a diffusion model of images and measures its variational bound on the test split.
//
//	go -C docs/examples run ./diffusion -data fashion -net patch -minutes 45 -dir runs
//	go -C docs/examples run ./diffusion -data digits -steps 1500 -dir runs
//	go -C docs/examples run ./diffusion -data fashion -net patch -classes -drop 0.1 -from ../../notebooks/pretrained/fashion -steps 1000 -dir runs
//	go -C docs/examples run ./diffusion -data fashion -net patch -coarse 2 -steps 600 -dir runs
//
// With -classes the model is given the class of an image, and with -coarse k the means of its cells of k × k pixels; -drop hides them from a share of
// each batch, so that the model also draws without, and can be guided. The bound is then that of the images given their conditions.
//
// With -from a run of -steps starts from the weights of a finished run, perhaps one without the condition, and trains them further.
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
		"more than 15 minutes of Fashion-MNIST and for 5 or more of digits, the patch transformer otherwise and with -steps")
	flag.Float64Var(&o.minutes, "minutes", 45, "CPU minutes to train for")
	flag.IntVar(&o.steps, "steps", 0, "train for this many steps under a cosine, in place of -minutes")
	flag.StringVar(&o.from, "from", "", "folder of a finished run whose weights to train further, with -steps")
	flag.Float64Var(&o.rate, "rate", 0, "Adam's base rate; 0 takes the network's own, and half of it with -from")
	flag.StringVar(&o.marks, "marks", "5,15,45", "CPU minutes at which to measure on the way")
	flag.StringVar(&o.dir, "dir", "runs", "folder that keeps the runs and the pictures")
	flag.Int64Var(&o.seed, "seed", 1, "of the weights, the batches and the noise")
	flag.IntVar(&o.images, "evaluate", 1024, "images of the test split to measure on")
	flag.IntVar(&o.sampling, "sample", 50, "steps of DDIM for the picture")
	flag.BoolVar(&o.classes, "classes", false, "train on the classes too, for pictures of a class")
	flag.IntVar(&o.coarse, "coarse", 0, "train on the means of cells of so many pixels a side, for pictures from small ones; 0 trains without")
	flag.Float64Var(&o.drop, "drop", 0, "share of the conditions to hide in training")
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
