package fit

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// The game of ψ, which minimises ½ψ² − ψ(θ + m), and θ, which minimises ψθ + 0.1θ² + mθ, with m the mean of the rows that a
// player sees.
const psiStart, thetaStart = 0.7, -1.2

func scalar(scope *model.Scope, g *graph.Graph, name string, start float64) *graph.Node {
	return scope.At("%s", name).WithInitializer(fixed(start)).VariableWithShape("w", shapes.Make(dtypes.Float64)).NodeValue(g)
}

func both(scope *model.Scope, batch []*graph.Node) (psi, theta, m *graph.Node) {
	g := batch[0].Graph()
	return scalar(scope, g, "psi", psiStart), scalar(scope, g, "theta", thetaStart), graph.ReduceAllMean(batch[0])
}

func psiLoss(scope *model.Scope, batch []*graph.Node) *graph.Node {
	psi, theta, m := both(scope, batch)
	return graph.Sub(graph.MulScalar(graph.Square(psi), 0.5), graph.Mul(psi, graph.Add(theta, m)))
}

func thetaLoss(scope *model.Scope, batch []*graph.Node) *graph.Node {
	psi, theta, m := both(scope, batch)
	return graph.Add(graph.Mul(graph.Add(psi, m), theta), graph.MulScalar(graph.Square(theta), 0.1))
}

// four gives batches of four numbers that change from step to step.
var four = function(func(step int) ([]*tensors.Tensor, error) {
	return []*tensors.Tensor{tensors.FromValue(fourOf(step))}, nil
})

func fourOf(step int) []float64 {
	s := float64(step)
	return []float64{math.Sin(s), math.Cos(2 * s), 0.3, -0.1 * s}
}

// twoMoves is the game in which ψ moves twice a round.
var twoMoves = Game{
	{Name: "psi", Scope: "/psi", Loss: psiLoss, Updates: 2, LearningRate: 0.03, Betas: [2]float64{0.5, 0.9}},
	{Name: "theta", Scope: "/theta", Loss: thetaLoss, EMA: 0.9},
}

// adam1 is Adam of one number by hand, as algorithm 1 of Kingma and Ba 2015 writes it.
type adam1 struct{ x, rate, beta1, beta2, m, v, t float64 }

func (a *adam1) move(g float64) {
	a.t++
	a.m, a.v = a.beta1*a.m+(1-a.beta1)*g, a.beta2*a.v+(1-a.beta2)*g*g
	a.x -= a.rate * a.m / (1 - math.Pow(a.beta1, a.t)) / (math.Sqrt(a.v/(1-math.Pow(a.beta2, a.t))) + 1e-8)
}

// gameByHand returns ψ, θ, θ's average and the losses of n rounds of twoMoves.
func gameByHand(n int) (psi, theta, average float64, losses [2][]float64) {
	p, q := adam1{x: psiStart, rate: 0.03, beta1: 0.5, beta2: 0.9}, adam1{x: thetaStart, rate: 0.05, beta1: 0.9, beta2: 0.999}
	average = thetaStart
	for step := range n {
		rows := fourOf(step)
		var last float64
		for j := range 2 {
			m := (rows[2*j] + rows[2*j+1]) / 2
			last = p.x*p.x/2 - p.x*(q.x+m)
			p.move(p.x - q.x - m)
		}
		losses[0] = append(losses[0], last)
		m := mean(rows)
		losses[1] = append(losses[1], (p.x+m)*q.x+0.1*q.x*q.x)
		q.move(p.x + m + 0.2*q.x)
		d := math.Min(0.9, float64(step+2)/float64(step+11))
		average = d*average + (1-d)*q.x
	}
	return p.x, q.x, average, losses
}

// TestGame holds rounds of two players against Adam by hand: their order, their rows, rates and memories, the average, and that
// no player's gradient runs through the moves before its own.
func TestGame(t *testing.T) {
	const n = 9
	for _, m := range modes(t) {
		store := model.NewStore()
		r, err := Play(context.Background(), m.b, store, twoMoves, four, Config{Steps: n, LearningRate: 0.05, StepsPerCall: m.k})
		if err != nil {
			t.Fatal(err)
		}
		psi, theta, average, losses := gameByHand(n)
		near(t, values(t, store, "/psi/w")[0], psi, 1e-12, "ψ, K", m.k)
		near(t, values(t, store, "/theta/w")[0], theta, 1e-12, "θ, K", m.k)
		near(t, values(t, store, "/ema/theta/w")[0], average, 1e-12, "average of θ, K", m.k)
		if store.GetVariable("/ema/psi/w") != nil {
			t.Error("ψ has an average that nobody asked for")
		}
		for i := range n {
			near(t, r.Players[0][i], losses[0][i], 1e-12, "loss of ψ in round", i)
			near(t, r.Players[1][i], losses[1][i], 1e-12, "loss of θ in round", i)
			near(t, r.Losses[i], losses[0][i], 1e-12, "Losses in round", i)
		}
	}
}

// TestGameResumes holds that a game that is stopped and taken up again ends bit for bit where an uninterrupted one does, and what a
// finished one leaves behind.
func TestGameResumes(t *testing.T) {
	play := func(dir string, data Batches, ctx context.Context) (*model.Store, Report, error) {
		store := model.NewStore()
		r, err := LoadOrPlay(ctx, onHost, dir, store, twoMoves, data, Config{Steps: 40, LearningRate: 0.05, SaveEvery: 10})
		return store, r, err
	}
	whole, _, err := play(t.TempDir(), four, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, _, average, losses := gameByHand(40)
	ctx, stop := context.WithCancel(context.Background())
	dir := t.TempDir()
	_, r, err := play(dir, function(func(step int) ([]*tensors.Tensor, error) {
		if step == 25 {
			stop()
		}
		return four.Batch(step)
	}), ctx)
	if err == nil || r.Steps >= 40 || r.Steps < 20 {
		t.Fatalf("the game was not stopped half way: %d steps, error %v", r.Steps, err)
	}
	for _, again := range []string{"resumed", "loaded"} {
		store, r, err := play(dir, four, context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, again, bits(t, whole), bits(t, store))
		for i := range r.Losses {
			near(t, r.Players[0][i], losses[0][i], 1e-6, again, "loss of ψ", i)
			near(t, r.Players[1][i], losses[1][i], 1e-6, again, "loss of θ", i)
		}
	}
	near(t, values(t, whole, "/theta/w")[0], average, 1e-12, "the finished game holds the average of θ")
	for v := range whole.IterVariables() {
		if path := v.Path(); path != "/psi/w" && path != "/theta/w" && path != noisePath {
			t.Errorf("the finished game holds %s", path)
		}
	}
	loaded := model.NewStore()
	if r, _, err = Load(dir, loaded); err != nil || len(r.Players) != 2 || len(r.Players[1]) != 40 {
		t.Errorf("Load: error %v, players %d", err, len(r.Players))
	}
	other := twoMoves
	other = append(Game{}, other...)
	other[0].Updates = 1
	_, err = LoadOrPlay(context.Background(), onHost, dir, model.NewStore(), other, four, Config{Steps: 40, LearningRate: 0.05})
	if err == nil || !strings.Contains(err.Error(), `expected players "psi at /psi: 1 updates`) {
		t.Errorf("another game in the same directory: error %v", err)
	}
}

// TestGameDiverged holds that the error names the round and the player, by its loss or by its update.
func TestGameDiverged(t *testing.T) {
	infinite := func(step int) Batches {
		return function(func(k int) ([]*tensors.Tensor, error) {
			batch, err := four.Batch(k)
			x := 1.0
			if k == step {
				x = 0
			}
			return append(batch, tensors.FromScalar(x)), err
		})
	}
	game := func(loss Loss) Game {
		return Game{{Name: "psi", Scope: "/psi", Loss: psiLoss}, {Name: "theta", Scope: "/theta", Loss: loss}}
	}
	log := func(scope *model.Scope, batch []*graph.Node) *graph.Node {
		return graph.Add(thetaLoss(scope, batch[:1]), graph.Log(batch[1]))
	}
	root := func(scope *model.Scope, batch []*graph.Node) *graph.Node { // finite, with an infinite gradient
		_, theta, _ := both(scope, batch)
		return graph.Sqrt(graph.Mul(graph.Square(theta), batch[1]))
	}
	for _, m := range modes(t) {
		for what, loss := range map[string]Loss{"theta's loss is -Inf": log, "theta's update is not finite (loss 0)": root} {
			store := model.NewStore()
			r, err := Play(context.Background(), m.b, store, game(loss), infinite(6), Config{Steps: 30, LearningRate: 0.01, StepsPerCall: m.k})
			var diverged Diverged
			if !errors.As(err, &diverged) || diverged.Step != 7 || diverged.Player != "theta" || r.Steps != 6 || !strings.Contains(err.Error(), what) {
				t.Errorf("K = %d: %d steps, error %v, expected %q in step 7", m.k, r.Steps, err, what)
			}
			if len(r.Players) != 2 || len(r.Players[1]) != 6 {
				t.Errorf("losses of %d players, expected two of six steps", len(r.Players))
			}
		}
	}
}

func TestGameErrors(t *testing.T) {
	change := func(f func(g Game)) Game {
		g := append(Game{}, twoMoves...)
		f(g)
		return g
	}
	for want, g := range map[string]Game{
		"no players":                        {},
		`player 0 (""): Name = ""`:          change(func(g Game) { g[0].Name = "" }),
		`player 1 ("theta"): Loss = nil`:    change(func(g Game) { g[1].Loss = nil }),
		`Scope = "psi", expected the path`:  change(func(g Game) { g[0].Scope = "psi" }),
		"Updates = -1":                      change(func(g Game) { g[0].Updates = -1 }),
		"LearningRate = NaN":                change(func(g Game) { g[0].LearningRate = math.NaN() }),
		"EMA = 1":                           change(func(g Game) { g[1].EMA = 1 }),
		"Betas = [0 1]":                     change(func(g Game) { g[1].Betas = [2]float64{0, 1} }),
		`Scope = "/psi/inner"`:              change(func(g Game) { g[1].Scope = "/psi/inner" }),
		"4], expected a multiple of 3 rows": change(func(g Game) { g[0].Updates = 3 }),
		"the weight /theta/w belongs to no": twoMoves[:1],
		"below /nobody, where the psi's":    change(func(g Game) { g[0].Scope = "/nobody" }),
	} {
		_, err := Play(context.Background(), onHost, model.NewStore(), g, four, Config{Steps: 2, LearningRate: 0.1})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
	_, err := Play(context.Background(), onHost, model.NewStore(), twoMoves, four, Config{Steps: 2, LearningRate: 0.1, EMA: 0.9})
	if err == nil || !strings.Contains(err.Error(), "Config.EMA = 0.9, expected 0") {
		t.Errorf("error %v", err)
	}
}
