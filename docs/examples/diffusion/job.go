package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/digits"
	"github.com/lowerbound-ml/lowerbound/datasets/mnist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

const (
	batch        = 64
	warmup       = 100     // steps at the start of the constant rate
	longEMA      = 0.999   // at the constant rate
	shortEMA     = 0.995   // where the rate falls to 0
	clipNorm     = 1.0     //
	endless      = 1 << 20 // steps of the constant rate, which the clock ends
	saveEvery    = 500
	constantPart = 0.8 // of the CPU time
	sayEvery     = 10 * time.Second
	labels       = 10 // of either data set
)

// learningRate is Adam's base rate for each network.
var learningRate = map[string]float64{"patch": 2e-3, "unet": 1e-3}

// furtherRate is the share of it for a network that is trained already, when no -rate is given.
const furtherRate = 0.5

type options struct {
	data, net, marks, dir, ship string
	from                        string
	minutes                     float64
	steps, images, sampling     int
	seed                        int64
	classes                     bool
	coarse                      int
	drop, rate                  float64
}

// job is one command: a data set, an architecture and a folder.
type job struct {
	o           options
	b           compute.Backend
	c           vdm.Config
	train, test *datasets.Images
	data        *datasets.Loader
	dir         string
	marks       []float64 // CPU seconds, rising
}

func newJob(b compute.Backend, o options) (*job, error) {
	if o.net == "" {
		o.net = better(o)
	}
	j := &job{o: o, b: b, dir: filepath.Join(o.dir, o.data+"-"+o.net+o.condition())}
	var err error
	switch o.data {
	case "digits":
		j.c, j.train, j.test = vdm.DigitsConfig, digits.Train(), digits.Test()
	case "fashion":
		j.c = vdm.FashionConfig
		j.train, j.test, err = mnist.Fashion(context.Background(), datasets.Source{})
	default:
		err = fmt.Errorf("-data %q, expected digits or fashion", o.data)
	}
	if err != nil {
		return nil, err
	}
	if o.from != "" && o.steps == 0 {
		return nil, fmt.Errorf("-from %q without -steps, expected a number of steps", o.from)
	}
	j.c.Net, j.c.Coarse, j.c.Drop = o.net, o.coarse, o.drop
	if o.classes {
		j.c.Classes = labels
	}
	if err := j.c.Check(); err != nil {
		return nil, err
	}
	for _, mark := range strings.Split(o.marks, ",") {
		minutes, err := strconv.ParseFloat(mark, 64)
		if err != nil {
			return nil, fmt.Errorf("-marks %q: %w", o.marks, err)
		}
		j.marks = append(j.marks, 60*minutes)
	}
	j.data, err = datasets.NewLoader(j.train.Spatial(), batch, o.seed, datasets.Options{})
	return j, err
}

// condition ends the name of a conditional model's folder.
func (o options) condition() (name string) {
	if o.classes {
		name += "-classes"
	}
	if o.coarse > 0 {
		name += fmt.Sprintf("-coarse%d", o.coarse)
	}
	return name
}

// better is the network with the better bound after so many minutes of CPU time: see docs/results.md.
func better(o options) string {
	if o.steps == 0 && (o.minutes > 15 || o.data == "digits" && o.minutes >= 5) {
		return "unet"
	}
	return "patch"
}

func (j *job) run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return err
	}
	if j.o.steps > 0 {
		store, from, err := j.start()
		if err != nil {
			return err
		}
		return j.finish(ctx, fmt.Sprintf("steps-%d", j.o.steps), store, j.o.steps, &clock{}, from)
	}
	store, clock, err := j.constant(ctx)
	if err != nil {
		return err
	}
	more := max(1, int(float64(clock.Step)*(1-constantPart)/constantPart))
	return j.finish(ctx, fmt.Sprintf("cooled-%d-%d", clock.Step, more), store, more, clock, fmt.Sprintf("from step %d at the constant rate", clock.Step))
}

// start returns the weights that a run of -steps starts from, none or those of a finished run, and says which.
func (j *job) start() (*model.Store, string, error) {
	store := model.NewStore()
	if j.o.from == "" {
		return store, "", nil
	}
	report, tag, err := fit.Load(j.o.from, store)
	return store, fmt.Sprintf("from %d steps of %q", report.Steps, tag), err
}

// rate is Adam's base rate.
func (j *job) rate() float64 {
	switch {
	case j.o.rate != 0:
		return j.o.rate
	case j.o.from != "":
		return learningRate[j.o.net] * furtherRate
	}
	return learningRate[j.o.net]
}

// constant trains at the constant rate until the clock says so, and returns the weights and the clock.
func (j *job) constant(ctx context.Context) (*model.Store, *clock, error) {
	dir := filepath.Join(j.dir, "constant")
	clock, err := openClock(filepath.Join(j.dir, "clock.json"))
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeIsUp := func() bool { return clock.CPU > constantPart*60*j.o.minutes }
	if timeIsUp() { // of a run that goes on
		cancel(errTime)
	}
	store := model.NewStore()
	var failed error
	var said time.Time
	_, err = fit.LoadOrTrain(ctx, j.b, dir, store, j.c.Loss(), j.data, fit.Config{
		Steps: endless, LearningRate: j.rate(), Schedule: fit.WarmupCosine{Warmup: warmup, Floor: 1}, EMA: longEMA, ClipNorm: clipNorm,
		Seed: j.o.seed, SaveEvery: saveEvery, Tag: j.tag(""),
		Progress: func(s fit.Status) {
			failed = errors.Join(failed, clock.at(s.Step), j.passMarks(store, clock))
			if time.Since(said) > sayEvery {
				said = time.Now()
				fmt.Fprintf(os.Stderr, "%s, %.0f CPU seconds\n", s, clock.CPU)
			}
			if timeIsUp() || failed != nil {
				cancel(errTime)
			}
		},
	})
	if errors.Is(err, errTime) {
		err = nil
	}
	return store, clock, errors.Join(err, failed)
}

// errTime ends the constant rate.
var errTime = errors.New("the time is up")

// passMarks measures when a mark is due; the clock stands still meanwhile.
func (j *job) passMarks(store *model.Store, clock *clock) error {
	due := 0.0
	for _, mark := range j.marks {
		if mark > clock.Marked && mark <= clock.CPU {
			due = mark
		}
	}
	if due == 0 {
		return nil
	}
	averaged, err := fit.Averaged(store)
	if err != nil {
		return err
	}
	clock.Marked = due
	m := &vdm.Model{Config: j.c, Store: averaged, Backend: j.b}
	_, err = j.measure(m, fmt.Sprintf("mark-%g", due/60), clock.Step, clock.CPU, clock.Wall)
	clock.skip()
	return err
}

// finish trains the store's weights, or new ones, for a number of steps with a rate that falls to 0, and measures them.
// before is the clock of the steps so far.
func (j *job) finish(ctx context.Context, name string, store *model.Store, steps int, before *clock, from string) error {
	dir := filepath.Join(j.dir, name)
	clock, err := openClock(dir + ".json")
	if err != nil {
		return err
	}
	bar := fit.Bar(os.Stderr)
	var failed error
	c := fit.Config{Steps: steps, LearningRate: j.rate(), Schedule: fit.WarmupCosine{Warmup: min(warmup, steps/10)}, EMA: shortEMA, ClipNorm: clipNorm,
		Seed: j.o.seed, SaveEvery: saveEvery, Half: dtypes.Float16, Tag: j.tag(from), Progress: func(s fit.Status) {
			bar(s)
			failed = errors.Join(failed, clock.at(s.Step))
		}}
	report, err := fit.LoadOrTrain(ctx, j.b, dir, store, j.c.Loss(), j.data, c)
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, report)
	m := &vdm.Model{Config: j.c, Store: store, Backend: j.b}
	measured, err := j.measure(m, name, before.Step+report.Steps, before.CPU+clock.CPU, before.Wall+clock.Wall)
	if err != nil || j.o.ship == "" {
		return err
	}
	return ship(dir, j.o.ship, measured)
}

// ship puts a finished run and its measurement where others load it, in place of an older one.
func ship(from, to string, measured []byte) error {
	if err := os.RemoveAll(filepath.Join(to, "final")); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "measured.json"), measured, 0o644)
}

// tag names the run as vdm.LoadOrTrain does.
func (j *job) tag(from string) string {
	return fmt.Sprintf("%s, %s", strings.TrimSuffix(j.o.data+", "+from, ", "), j.c)
}

// clock counts the CPU time and the wall time that a run has trained for, over all its sessions.
type clock struct {
	Step              int
	CPU, Wall, Marked float64 // seconds; Marked is the last mark passed

	path string
	cpu  float64   // of this process at the last reading
	wall time.Time // the same
}

func openClock(path string) (*clock, error) {
	c := &clock{path: path, cpu: cpuSeconds(), wall: time.Now()}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(text, c)
	}
	return c, err
}

// at adds the time since the last reading, when the run stands at the step. After a kill the run falls back to
// a checkpoint, and so does the clock, in proportion.
func (c *clock) at(step int) error {
	if step < c.Step {
		share := float64(step) / float64(c.Step)
		c.CPU, c.Wall = c.CPU*share, c.Wall*share
	}
	cpu, wall := cpuSeconds(), time.Now()
	c.CPU, c.Wall, c.Step = c.CPU+cpu-c.cpu, c.Wall+wall.Sub(c.wall).Seconds(), step
	c.cpu, c.wall = cpu, wall
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(c.path, text, 0o644)
}

// skip leaves out the time since the last reading.
func (c *clock) skip() { c.cpu, c.wall = cpuSeconds(), time.Now() }
