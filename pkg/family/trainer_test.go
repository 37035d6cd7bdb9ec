package family_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/family"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
)

// pureGo is the backend of these tests: eight small trainings, which XLA takes longer to compile than pure Go to run.
func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := backend.Open(backend.PureGo)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// small is a task of one number, N(.5, .36), and small networks.
func small(t *testing.T) family.Trainer {
	rng, rows := rand.New(rand.NewPCG(3, 3)), make([][]float64, 4000)
	for i := range rows {
		rows[i] = []float64{.5 + .6*rng.NormFloat64()}
	}
	return family.Trainer{Context: context.Background(), Backend: pureGo(t), Dir: t.TempDir(), Task: family.Task{
		Name: "normal", Rows: rows, Hidden: []int{24, 24}, Code: 1, Noise: 1, Cells: family.Cells{Lo: -4, Hi: 4, Bits: 5, Hidden: []int{40}, Steps: 900}, Least: .1,
		Load: func(rows [][]float64, batch int) fit.Batches {
			return datasets.MustLoader(datasets.MustTable("normal", rows), batch, 1, datasets.Options{})
		},
		Steps: 700, Batch: 100, Rate: .01,
		Energy: family.Energy{Std: 2, Size: .1, Steps: 3, Chains: 200, Draw: 100, Moves: 400},
		Game:   family.Game{Loss: gan.NonSaturating, Penalty: .5, DSteps: 2, Rate: .003},
	}}
}

// TestEveryFamilyTrained trains all families for a moment: each draws near the law, and each likelihood is near the law's and not above it, as far
// as its kind allows.
func TestEveryFamilyTrained(t *testing.T) {
	c, trainer := check.T(t), small(t)
	models, err := trainer.All()
	if err != nil {
		t.Fatal(err)
	}
	calls, evidence := map[string]int{}, map[string]family.Evidence{}
	fresh := small(t).Rows[:400]
	entropy := .5 * math.Log(2*math.Pi*math.E*.36)
	for _, m := range models {
		calls[m.Name], evidence[m.Name] = m.Calls, m.Evidence
		x, err := m.Sample(500, 1)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		mean, square := 0.0, 0.0
		for _, row := range x {
			mean, square = mean+row[0]/500, square+row[0]*row[0]/500
		}
		c.Near(m.Name+": mean of its samples", mean, .5, .2)
		c.Near(m.Name+": their standard deviation", math.Sqrt(square-mean*mean), .6, .2)
		c.True(m.Name+" has weights", m.Weights > 400, "")
		if (m.LogProb == nil) != (m.Evidence == family.None) {
			t.Errorf("%s: evidence %s and LogProb nil: %t", m.Name, m.Evidence, m.LogProb == nil)
		}
		if m.LogProb != nil {
			for _, bad := range [][][]float64{{}, {{1, 2}}, {{1}, {2, 3}}} {
				if _, err := m.LogProb(bad, 2); err == nil {
					t.Errorf("%s: LogProb of %v gives no error, expected one that says what rows it takes", m.Name, bad)
				}
			}
			l, err := m.LogProb(fresh, 2)
			if err != nil {
				t.Fatal(m.Name, err)
			}
			nll, se := l.NLL()
			c.Near(m.Name+": −log p is near the law's", nll, entropy, .15)
			c.True(m.Name+" has a standard error", se > 0 && se < .1, "")
		}
		m.Finalize()
	}
	c.Near("calls: VAE, HVAE, VDM, flow, AR, EBM, GAN", []int{calls["VAE"], calls["HVAE"], calls["VDM"], calls["SDE's flow"], calls["AR"], calls["EBM"], calls["GAN"]},
		[]float64{1, 2, 100, 40, 5, 100, 1}, 0)
	c.True("calls of NCSN: steps at each level", calls["NCSN"] > 20 && calls["NCSN"]%family.LevelSteps == 0, "")
	c.True("the GAN and the NCSN have no likelihood", evidence["GAN"] == family.None && evidence["NCSN"] == family.None, "")
	c.True("exact: the flow, the autoregressive model, and the energy by quadrature", evidence["SDE's flow"] == family.Exact && evidence["AR"] == family.Exact && evidence["EBM"] == family.Exact, "")
	again, err := trainer.VAE()
	c.True("a trained model is loaded", err == nil && again.Weights > 0, "")
}

func TestTaskErrors(t *testing.T) {
	for want, spoil := range map[string]func(task *family.Task){
		"Name = , expected":             func(task *family.Task) { task.Name = "" },
		"Load = nil, expected":          func(task *family.Task) { task.Load = nil },
		"Rows = 0, expected two rows":   func(task *family.Task) { task.Rows = nil },
		"Steps, Batch, Rate = [0 100":   func(task *family.Task) { task.Steps = 0 },
		"vae.New: data 1, latent 2, s ": func(task *family.Task) { task.Code = 2 },
	} {
		trainer := small(t)
		spoil(&trainer.Task)
		if _, err := trainer.VAE(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
