package sampler_test

import (
	"runtime"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// ledger is a backend that keeps account of the buffers which live on its device.
type ledger struct {
	compute.Backend
	live map[compute.Buffer]bool
	most int
}

func (l *ledger) open(b compute.Buffer) compute.Buffer {
	entry := &entry{b, l}
	l.live[entry] = true
	l.most = max(l.most, len(l.live))
	return entry
}

func (l *ledger) BufferFromFlatData(d compute.DeviceNum, flat any, s shapes.Shape) (compute.Buffer, error) {
	b, err := l.Backend.BufferFromFlatData(d, flat, s)
	if err != nil {
		return nil, err
	}
	return l.open(b), nil
}

func (l *ledger) NewSharedBuffer(d compute.DeviceNum, s shapes.Shape) (compute.Buffer, any, error) {
	b, flat, err := l.Backend.NewSharedBuffer(d, s)
	if err != nil {
		return nil, nil, err
	}
	return l.open(b), flat, nil
}

func (l *ledger) Builder(name string) compute.Builder {
	return ledgerBuilder{l.Backend.Builder(name), l}
}

type ledgerBuilder struct {
	compute.Builder
	l *ledger
}

func (b ledgerBuilder) Compile() (compute.Executable, error) {
	e, err := b.Builder.Compile()
	if err != nil {
		return nil, err
	}
	return ledgerExecutable{e, b.l}, nil
}

type ledgerExecutable struct {
	compute.Executable
	l *ledger
}

func (e ledgerExecutable) Execute(in []compute.Buffer, donate []bool, d compute.DeviceNum) ([]compute.Buffer, error) {
	inner := make([]compute.Buffer, len(in))
	for i, b := range in {
		inner[i] = b.(*entry).Buffer
	}
	out, err := e.Executable.Execute(inner, donate, d)
	for i, b := range in {
		if donate != nil && donate[i] {
			delete(e.l.live, b)
		}
	}
	for i, b := range out {
		out[i] = e.l.open(b)
	}
	return out, err
}

type entry struct {
	compute.Buffer
	l *ledger
}

func (e *entry) Backend() compute.Backend { return e.l }

func (e *entry) Finalize() error {
	delete(e.l.live, e)
	return e.Buffer.Finalize()
}

// What lives on the device does not grow with the number of steps, and nothing of a run is left after it: neither
// at its end, nor after an early stop at any point, nor after an error, and no goroutine.
func TestNothingIsLeft(t *testing.T) {
	for name, b := range backends(t) {
		t.Run(name, func(t *testing.T) {
			l := &ledger{Backend: b, live: map[compute.Buffer]bool{}}
			run := sampler.Of(l, impulses{exact(vp, nil, sampler.LastDraw)}) // has Aux
			bad := sampler.Of(l, badAt{exact(d4, nil, sampler.LastMean), 1 / zero})
			x := prior(3)
			use := func(n, stop int) {
				for p, err := range run.Path(x, vp.Grid(n), 1) {
					if err != nil {
						t.Fatal(err)
					}
					if p.Step == stop {
						break
					}
				}
			}
			all := func() {
				use(3, -1)
				sample(t, run, x, vp.Grid(3), 1).MustFinalizeAll()
				if _, err := bad.Sample(x, d4.Grid(4), 1); err == nil {
					t.Error("no error")
				}
				for _, err := range bad.Path(x, d4.Grid(4), 1) {
					_ = err
				}
			}
			all()
			live, goroutines := len(l.live), runtime.NumGoroutine()
			all()
			for i := range stops {
				use(3, i%4)
			}
			if got := len(l.live); got != live {
				t.Errorf("%d buffers live after the runs, %d before", got, live)
			}
			peak := func(n int) int {
				l.most = 0
				use(n, -1)
				return l.most
			}
			if few, many := peak(3), peak(100); few != many || few == 0 {
				t.Errorf("up to %d buffers live during 3 steps, %d during 100", few, many)
			}
			if got := runtime.NumGoroutine(); got > goroutines+stops/2 { // a backend may keep a few workers
				t.Errorf("%d goroutines after %d early stops, %d before", got, stops, goroutines)
			}
		})
	}
}

var zero float64

// stops is how many loops are left early.
const stops = 40
