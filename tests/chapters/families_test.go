package chapters_test

import (
	"context"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	fam "github.com/lowerbound-ml/lowerbound/pkg/family"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/tests/tasks"
)

// drawGM are n exact draws of GM as rows.
func drawGM(t *testing.T, n int, seed int64) [][]float64 { return columnOf(drawsOfGM(t, n, seed)...) }

// gmTask is GM for all families.
func gmTask(t *testing.T) fam.Task {
	return fam.Task{Name: "gm", Rows: drawGM(t, 20_000, 2), Load: tasks.Load, Hidden: []int{64, 64}, Code: 1, Noise: 2,
		Cells: fam.Cells{Lo: -5, Hi: 4, Bits: 7}, Least: .05, Steps: 2000, Batch: 500, Rate: 5e-3,
		Energy: fam.Energy{Std: 2, Size: .05, Steps: 5, Chains: 500, Draw: 800},
		Game:   fam.Game{Loss: gan.NonSaturating, Penalty: .05, DSteps: 1, Rate: 2e-3}}
}

// TestFamiliesOnGMTrained trains all families on GM by one recipe, holds each to E1.1's bound and writes their table. TestBakeOffTrained holds NCSN
// to that bound, by longer chains.
func TestFamiliesOnGMTrained(t *testing.T) {
	t.Parallel()
	const n, bound = 10_000, .1
	wider := map[string]float64{"NCSN": .2} // 40 Langevin steps a level leave a bias
	c := check.T(t)
	trainer := fam.Trainer{Task: gmTask(t), Context: context.Background(), Backend: backendtest.Open(t), Dir: t.TempDir()}
	models, err := trainer.All()
	if err != nil {
		t.Fatal(err)
	}
	c.Near("E10.15 every family is there", len(models), 8, 0)
	fresh, sets := drawsOfGM(t, n, 1), drawsOfGM(t, 200*n, 11)
	floor := metric.Floor(metric.Wasserstein1, func() []float64 {
		sets = sets[n:]
		return sets[:n]
	}, 99)
	t.Log("Wasserstein-1 between two exact sets: ", floor)
	c.Less("E10.15 the floor leaves room under the bound", floor.Max, bound)
	for _, m := range models {
		x, err := m.Sample(n, 3)
		if err != nil {
			t.Fatal(err)
		}
		w1 := metric.Wasserstein1(check.Floats(x), fresh)
		t.Logf("%-11s Wasserstein-1 %.3f", m.Name, w1)
		c.Less("E1.1 W₁ of the trained "+m.Name, w1, max(bound, wider[m.Name]))
	}
	rows := table(t, func(string) float64 { return .1 }, gmJudge(t, 1000), models, drawGM(t, 2000, 4))
	for _, r := range rows {
		c.Near("E10.15 "+r.Name+" covers both modes", r.Modes.Covered, 2, 0)
	}
}

func gmJudge(t *testing.T, n int) fam.Judge {
	seed := int64(100)
	return fam.Judge{Data: drawGM(t, n, 5), Pairs: 20, Space: metric.Pixels(), K: 3, Modes: [][]float64{{-2}, {1}}, Far: 1.5, Share: .1 * .3,
		Pair: func() [2][][]float64 { seed += 2; return [2][][]float64{drawGM(t, n, seed), drawGM(t, n, seed+1)} },
		Exact: func(x [][]float64) []float64 {
			return backendtest.Floats(t, func(x *Node) *Node { return fixtureGM.Law(x.Graph(), x.DType()).LogProb(x) }, x)
		}}
}

// table measures the models, logs the table, and holds each likelihood against the exact law's: above it, and by less than far nats.
func table(t *testing.T, far func(name string) float64, j fam.Judge, models []fam.Model, fresh [][]float64) []fam.Row {
	t.Helper()
	rows, err := j.Measure(models, fresh, 7)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + fam.Table(rows, "nats", func(nats float64) float64 { return nats }))
	exact := rows[0]
	check.T(t).Less("E10.15 an exact set lies at the floor", exact.Energy.Value, 1.5*exact.Energy.Floor.Max)
	for _, r := range rows[1:] {
		if r.Evidence != fam.None {
			check.T(t).Less("E10.15 no law beats the exact one: "+r.Name, exact.NLL, r.NLL+5*math.Hypot(r.SE, exact.SE))
			check.T(t).Less("E10.15 and none is far from it: "+r.Name, r.NLL, exact.NLL+far(r.Name))
		}
	}
	return rows
}

// TestFamiliesOnTheRoll measures the models that come with notebook 17.
func TestFamiliesOnTheRoll(t *testing.T) {
	t.Parallel()
	models, err := tasks.Roll(backendtest.Open(t), "../../notebooks/checkpoints").All()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]fam.Row{}
	weak := map[string]float64{"VAE": 1, "HVAE": .6, "EBM": .7} // codes fold the roll, and chains do not reach its inner turn
	far := func(name string) float64 { return max(.2, weak[name]) }
	for _, r := range table(t, far, tasks.RollJudge(1000), models, tasks.OnRoll(2000, 3)) {
		by[r.Name] = r
	}
	c := check.T(t)
	for _, name := range []string{"data", "VDM", "SDE's flow", "AR"} {
		c.Near("E10.15 "+name+" covers all 16 stretches of the roll", by[name].Modes.Covered, 16, 0)
	}
	c.Less("E10.15 fewer of the VAE's samples lie where data lie than of the diffusion's", by["VAE"].Quality.Precision, by["VDM"].Quality.Precision-.1)
}
