package ncsn_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
)

// tiny is a model that is built in no time.
var tiny = ncsn.Config{Dim: 2, Levels: []float64{4, 2, 1}, DataStd: 1.5, Hidden: []int{8}}

// zeros is a data set of rows of zeros.
type zeros struct{ dims []int }

func (d zeros) Batch(int) ([]*tensors.Tensor, error) {
	return []*tensors.Tensor{tensors.FromShape(shapes.Make(dtypes.Float32, d.dims...))}, nil
}

func TestConfigErrors(t *testing.T) {
	b := backend.MustOpen("go")
	for _, bad := range []struct {
		change func(*ncsn.Config)
		want   string
	}{
		{func(c *ncsn.Config) { c.Dim = 0 }, "Dim = 0"},
		{func(c *ncsn.Config) { c.DataStd = 0 }, "DataStd = 0"},
		{func(c *ncsn.Config) { c.DataStd = math.NaN() }, "DataStd = NaN"},
		{func(c *ncsn.Config) { c.Hidden = []int{8, 0} }, "Hidden = [8 0]"},
		{func(c *ncsn.Config) { c.Levels = []float64{1, 2} }, "σ_2 = 2 after σ_1 = 1"},
		{func(c *ncsn.Config) { c.Levels = nil }, "0 levels"},
	} {
		c := tiny
		bad.change(&c)
		_, err := ncsn.NewModel(b, c, 1)
		wantError(t, err, "ncsn.NewModel", "ncsn.Config", bad.want, "expected")
		_, _, err = ncsn.LoadOrTrain(context.Background(), b, t.TempDir(), c, zeros{[]int{4, 2}}, fit.Config{Steps: 1, LearningRate: 1})
		wantError(t, err, "ncsn.LoadOrTrain", bad.want)
	}
}

func TestModelErrors(t *testing.T) {
	b := backend.MustOpen("go") // compiles nothing
	m, err := ncsn.NewModel(b, tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		x     [][]float64
		sigma float64
		want  string
	}{
		{nil, 2, "no rows"},
		{[][]float64{{1, 2}, {1}}, 2, "row 1 has 1 numbers, expected 2"},
		{[][]float64{{1, 2}}, 5, "σ = 5, expected a noise level that was trained, from 1 to 4"},
		{[][]float64{{1, 2}}, math.NaN(), "σ = NaN"},
	} {
		_, err := m.Score(bad.x, bad.sigma)
		wantError(t, err, "ncsn.Model.Score", bad.want)
	}
	for _, s := range []ncsn.Sampling{{Steps: 0}, {Steps: 1, Eps: -1}, {Steps: 1, Eps: math.NaN()}} {
		_, err := m.Sample(3, s, 1)
		wantError(t, err, "ncsn.Model.Sample", fmt.Sprintf("K = %d", s.Steps))
		for _, err := range m.Path(3, s, 1) {
			wantError(t, err, "ncsn.Model.Path")
		}
	}
	_, err = m.Sample(0, ncsn.Sampling{Steps: 1}, 1)
	wantError(t, err, "0 rows")
	empty := &ncsn.Model{Config: tiny, Store: model.NewStore(), Backend: b}
	_, err = empty.Score([][]float64{{1, 2}}, 2)
	wantError(t, err, "ncsn.Model.Score", "lacks", "train")
	_, err = empty.Sample(3, ncsn.Sampling{Steps: 1}, 1)
	wantError(t, err, "ncsn.Model.Sample", "lacks", "train")
	_, _, err = ncsn.LoadOrTrain(context.Background(), b, t.TempDir(), tiny, zeros{[]int{4, 3}}, fit.Config{Steps: 1, LearningRate: 1})
	wantError(t, err, "ncsn.Config.Loss", "[4, 3]", "[n, 2]")
}

// lastLayer sets the weights of m's last layer [8, 2] to 0 and its biases [2] to the value, so that F is that value.
func lastLayer(t *testing.T, m *ncsn.Model, value float32) {
	t.Helper()
	found := 0
	for v := range m.Store.IterVariables() {
		dims := v.Shape().Dimensions
		if !v.Trainable || dims[len(dims)-1] != tiny.Dim {
			continue
		}
		found++
		flat := make([]float32, v.Shape().Size())
		if len(dims) == 1 {
			for i := range flat {
				flat[i] = value
			}
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, dims...)); err != nil {
			t.Fatal(err)
		}
	}
	if found != 2 {
		t.Fatalf("%d variables of the last layer, expected weights and biases", found)
	}
}

// Without F the score is that of a normal law; the factor of F is that at which the best F has the size 1.
func TestScoreOfNoNetwork(t *testing.T) {
	m, err := ncsn.NewModel(backendtest.Open(t), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	scores := func(sigma float64) [][]float64 {
		s, err := m.Score([][]float64{{1, -2}, {30, 5}}, sigma)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c := check.T(t)
	for _, sigma := range []float64{1, 2.5, 4} {
		size2, std := sigma*sigma+tiny.DataStd*tiny.DataStd, tiny.DataStd
		lastLayer(t, m, 0)
		without := scores(sigma)
		c.Near("−x/(σ²+σ_d²)", without, [][]float64{{-1 / size2, 2 / size2}, {-30 / size2, -5 / size2}}, 1e-6)
		lastLayer(t, m, 1)
		with := scores(sigma)
		factor := with[0][0] - without[0][0]
		c.Near("F = 1 adds the same everywhere", []float64{with[0][1] - without[0][1], with[1][0] - without[1][0]}, factor, 1e-5)
		// What F regresses on is (∇log q(x|x₀) + x/(σ²+σ_d²))/factor: for x₀ = ±σ_d and ε = ±1 its mean square is exact.
		sum := 0.0
		for _, x0 := range []float64{std, -std} {
			for _, eps := range []float64{1, -1} {
				sum += math.Pow((-eps/sigma+(x0+sigma*eps)/size2)/factor, 2) / 4
			}
		}
		c.Near("the mean square of what F regresses on", sum, 1, 1e-4)
	}
}

func TestLevelsAreTheRunsIdentity(t *testing.T) {
	b, dir := backend.MustOpen("go"), t.TempDir()
	how := fit.Config{Steps: 1, LearningRate: 1e-3, Tag: "test"}
	data := zeros{[]int{4, 2}}
	if _, _, err := ncsn.LoadOrTrain(context.Background(), b, dir, tiny, data, how); err != nil {
		t.Fatal(err)
	}
	m, report, err := ncsn.LoadOrTrain(context.Background(), b, dir, tiny, data, how)
	if err != nil || !report.Loaded {
		t.Fatalf("loaded %v, error %v", report.Loaded, err)
	}
	for _, change := range []func(*ncsn.Config){
		func(c *ncsn.Config) { c.Levels = []float64{4, 2, .9} },
		func(c *ncsn.Config) { c.Levels = []float64{4, 2.1, 1} },
		func(c *ncsn.Config) { c.DataStd = 1 },
		func(c *ncsn.Config) { c.Hidden = []int{9} },
	} {
		other := tiny
		change(&other)
		_, _, err := ncsn.LoadOrTrain(context.Background(), b, dir, other, data, how)
		wantError(t, err, "another run", other.String(), tiny.String())
	}
	x, err := m.Sample(3, ncsn.Sampling{Steps: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	c, steps := check.T(t), 0
	c.Near("the shape", []int{len(x), len(x[0])}, []int{3, 2}, 0)
	var times []float64
	var last [][]float64
	for p, err := range m.Path(3, ncsn.Sampling{Steps: 2}, 1) {
		if err != nil {
			t.Fatal(err)
		}
		times, steps = append(times, p.T), p.Step
		_, last = p.Frame()
	}
	c.Near("Path takes two steps at each level", times, []float64{4, 4, 2, 2, 1, 1, 0}, 0)
	c.Near("in all", steps, 6, 0)
	c.Near("and ends where Sample does", last, x, 1e-6)
}

// Scores compile once for a number of rows, whatever the level; chains once for an ε.
func TestModelCompilesOnce(t *testing.T) {
	m, err := ncsn.NewModel(backendtest.Open(t), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Finalize()
	use := func(sigma float64, seed int64) int {
		_, err := m.Score([][]float64{{1, 2}}, sigma)
		if err == nil {
			_, err = m.Sample(2, ncsn.Sampling{Steps: 2, Eps: .1}, seed)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m.Compiles()
	}
	check.T(t).Near("compilations of a second use", use(3, 8), use(2, 7), 0)
}

func TestConfigFor(t *testing.T) {
	c := check.T(t)
	plane := [][]float64{{0, 0}, {3, 4}, {1, 1}}
	got, err := ncsn.ConfigFor(plane, .1)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("Dim", got.Dim, 2, 0)
	c.Near("from the largest distance to what was asked for", []float64{got.Levels[0], got.Levels[len(got.Levels)-1]}, []float64{5, .1}, 1e-12)
	c.Near("DataStd is √(E‖x‖²/d)", got.DataStd, math.Sqrt((25.+2)/6), a64)
	most, err := ncsn.RadialRatio(2, .9)
	if err != nil {
		t.Fatal(err)
	}
	between := got.Levels[0] / got.Levels[1]
	c.Less("neighbours at most RadialRatio apart", between, most)
	c.Less("and no more levels than that takes", most, math.Pow(50, 1/float64(len(got.Levels)-2)))
	wide := make([][]float64, 2)
	for i := range wide {
		wide[i] = make([]float64, 784)
		wide[i][0] = 28 * float64(i)
	}
	got, err = ncsn.ConfigFor(wide, .01)
	if err != nil {
		t.Fatal(err)
	}
	most, err = ncsn.Ratio(784, .5)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("many dimensions take Ratio", len(got.Levels), 1+math.Ceil(math.Log(2800)/math.Log(most)), 0)
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	_, err = ncsn.ConfigFor(plane[:1], .1)
	wantError(t, err, "ncsn.ConfigFor", "ncsn.MaxDistance", "1 rows")
	for _, bad := range []float64{0, -1, 5, math.NaN()} {
		_, err = ncsn.ConfigFor(plane, bad)
		wantError(t, err, "ncsn.ConfigFor", "smallest level", "below 5")
	}
}

// The score is a function of all levels in between, and takes a level for each row.
func TestScoreOfManyLevels(t *testing.T) {
	m, err := ncsn.NewModel(backendtest.Open(t), tiny, 3)
	if err != nil {
		t.Fatal(err)
	}
	x, sigmas := [][]float64{{1, 2}, {-.5, 3}, {4, 0}}, [][]float64{{1}, {1.7}, {4}}
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x, sigma *Node) *Node {
		return tiny.Score(scope)(ConvertDType(x, dtypes.Float32), ConvertDType(sigma, dtypes.Float32))
	}, x, sigmas)
	if err != nil {
		t.Fatal(err)
	}
	all := check.Floats(out)
	for i := range x {
		one, err := m.Score(x[i:i+1], sigmas[i][0])
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Near("row by row", all[2*i:2*i+2], one[0], 1e-5)
	}
}
