package family_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/family"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

// twoHumps draws from ½N(−3, 1) + ½N(3, 1), with the left hump's share.
func twoHumps(rng *rand.Rand, n int, left float64) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = []float64{3 + rng.NormFloat64()}
		if rng.Float64() < left {
			rows[i][0] -= 6
		}
	}
	return rows
}

func judge(n int) family.Judge {
	rng := rand.New(rand.NewPCG(1, 1))
	return family.Judge{
		Data:  twoHumps(rng, n, .5),
		Pair:  func() [2][][]float64 { return [2][][]float64{twoHumps(rng, n, .5), twoHumps(rng, n, .5)} },
		Pairs: 40, Space: metric.Pixels(), K: 3, Modes: [][]float64{{-3}, {3}}, Far: 3, Share: .05,
		Exact: func(x [][]float64) (l []float64) {
			for _, row := range x {
				l = append(l, math.Log(.5*distuv.Normal{Mu: -3, Sigma: 1}.Prob(row[0])+.5*distuv.Normal{Mu: 3, Sigma: 1}.Prob(row[0])))
			}
			return l
		},
	}
}

// model is one whose samples and likelihood are by hand.
func model(name string, left float64) family.Model {
	return family.Model{Name: name, Calls: 7, Weights: 12, Evidence: family.Bound,
		Sample: func(n int, seed int64) ([][]float64, error) {
			return twoHumps(rand.New(rand.NewPCG(uint64(seed), 9)), n, left), nil
		},
		LogProb: func(x [][]float64, _ int64) (family.LogProb, error) {
			return family.LogProb{Values: make([]float64, len(x)), Shared: .5}, nil
		}}
}

func TestMeasure(t *testing.T) {
	c, j := check.T(t), judge(400)
	none := model("silent", .5)
	none.LogProb, none.Evidence = nil, family.None
	rows, err := j.Measure([]family.Model{model("the law", .5), model("one hump", 0), none}, j.Data, 3)
	if err != nil {
		t.Fatal(err)
	}
	c.True("an exact set first", rows[0].Name == "data" && len(rows) == 4, rows[0].Name)
	c.Less("the law lies within the floor's largest", rows[1].Energy.Value, rows[1].Energy.Floor.Max)
	c.Less("one hump lies far above", 20*rows[2].Energy.Floor.High, rows[2].Energy.Value)
	c.Less("by MMD² too", 20*rows[2].MMD.Floor.High, rows[2].MMD.Value)
	c.Near("modes covered", []int{rows[1].Modes.Covered, rows[2].Modes.Covered}, []float64{2, 1}, 0)
	c.Less("one hump: half the data are recalled", rows[2].Quality.Recall, .6)
	c.Less("and what it draws is data", .9, rows[2].Quality.Precision)
	exact := -check.Mean(j.Exact(j.Data))
	c.Near("the exact law's −log p", rows[0].NLL, exact, 1e-12)
	c.Near("its standard error", rows[0].SE, check.SE(j.Exact(j.Data)), 1e-12)
	c.Near("a model's −log p and its shared error", []float64{rows[1].NLL, rows[1].SE}, []float64{0, .5}, 1e-12)
	table := family.Table(rows, "bits", func(nats float64) float64 { return nats / math.Ln2 })
	for _, want := range []string{"−log p, bits", "≤ -0.000 ± 0.721 ", "2/2", "1/2", "–  ", "      7       12\n"} {
		c.True("the table says "+want, strings.Contains(table, want), table)
	}
}

func TestMeasureClean(t *testing.T) {
	j := judge(200)
	j.Clean = func(x [][]float64) (out [][]float64) {
		for _, row := range x {
			out = append(out, []float64{math.Copysign(3, row[0])})
		}
		return out
	}
	rows, err := j.Measure([]family.Model{model("the law", .5)}, j.Data, 3)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("samples and data are cleaned alike", []float64{rows[1].Quality.Precision, rows[1].Quality.Recall}, 1, 0)
}

func TestMeasureErrors(t *testing.T) {
	broken := model("broken", .5)
	broken.Sample = func(int, int64) ([][]float64, error) { return nil, errors.New("no draws") }
	mute := model("mute", .5)
	mute.LogProb = func([][]float64, int64) (family.LogProb, error) { return family.LogProb{}, errors.New("no law") }
	j := judge(50)
	for want, m := range map[string]family.Model{"family.Judge.Measure: broken: no draws": broken, "family.Judge.Measure: mute: no law": mute} {
		if _, err := j.Measure([]family.Model{m}, j.Data, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestEvidence(t *testing.T) {
	for e, want := range map[family.Evidence]string{family.None: "none", family.Bound: "bound", family.Exact: "exact", family.Estimate: "estimate", 9: "Evidence(9)"} {
		if e.String() != want {
			t.Errorf("%q, want %q", e, want)
		}
	}
}
