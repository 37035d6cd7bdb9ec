package fit

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Game is training by several players, each of which minimises a loss of its own over weights of its own, as the two of
// a GAN. One step of the run is one round: the players move in their order, each by its own Adam, and each sees where those
// before it have just gone (Goodfellow et al. 2014, algorithm 1).
type Game []Player

// Player is one player of a Game.
type Player struct {
	Name  string // who it is, in errors
	Scope string // its weights: every trainable variable below this scope of the store, as "/critic"
	Loss  Loss   // what it minimises; the weights of the others are constants in it

	// Updates is how often it moves in a round; 0 is 1. The rows of a batch are dealt out: move j of k sees rows j·n/k to
	// (j+1)·n/k of the n.
	Updates int

	LearningRate float64 // η of its Adam; 0 takes Config.LearningRate
	EMA          float64 // decay of its weights' moving average, as Config.EMA, which a Game leaves at 0
	// Betas are Adam's β₁ and β₂; where both are 0 they are 0.9 and 0.999. A player whose opponent moves does better with less
	// memory: 0.5 and 0.999, or 0 and 0.9.
	Betas [2]float64
}

// Play is Train for a Game. Report.Losses, Config.Stop and Config.Progress see the losses of the first player,
// Report.Players those of all. A Diverged names the player.
func Play(ctx context.Context, b compute.Backend, store *model.Store, game Game, data Batches, c Config) (Report, error) {
	r, err := newGame(b, store, game, data, c)
	if err == nil {
		err = r.train(ctx)
	}
	if err != nil {
		return r.report, fmt.Errorf("fit.Play: %w", err)
	}
	return r.report, nil
}

// LoadOrPlay is LoadOrTrain for a Game, whose players are part of the run's identity. See Play.
func LoadOrPlay(ctx context.Context, b compute.Backend, dir string, store *model.Store, game Game, data Batches, c Config) (Report, error) {
	r, err := newGame(b, store, game, data, c)
	if err == nil {
		err = r.loadOrTrain(ctx, dir)
	}
	if err != nil {
		return r.report, fmt.Errorf("fit.LoadOrPlay: %w", err)
	}
	return r.report, nil
}

func newGame(b compute.Backend, store *model.Store, game Game, data Batches, c Config) (*run, error) {
	r := &run{b: b, store: store, data: data}
	if err := game.check(c); err != nil {
		return r, err
	}
	r.players, r.report.Players = game, make([][]float64, len(game))
	return r, r.start(c)
}

// single is the game of one player, who has all weights.
func single(loss Loss, c Config) Game {
	return Game{{Scope: model.RootScopePath, Loss: loss, EMA: c.EMA}}
}

func (p Player) updates() int { return max(1, p.Updates) }

func (p Player) betas() (float64, float64) {
	if p.Betas == [2]float64{} {
		return beta1, beta2
	}
	return p.Betas[0], p.Betas[1]
}

// place says where the weights of a Game's player lie.
func (p Player) place() string {
	if p.Name == "" {
		return ""
	}
	return fmt.Sprintf(" below %s, where the %s's are", p.Scope, p.Name)
}

func (p Player) rate(c Config) float64 {
	if p.LearningRate == 0 {
		return c.LearningRate
	}
	return p.LearningRate
}

// owns reports whether a variable is one of the player's weights, or state of its optimiser.
func (p Player) owns(v *model.Variable) bool {
	return p.Scope == model.RootScopePath || strings.HasPrefix(v.Path(), p.Scope+"/")
}

// String is the player's part of the run's identity.
func (p Player) String() string {
	first, second := p.betas()
	return fmt.Sprintf("%s at %s: %d updates, rate %g, EMA %g, betas %g and %g", p.Name, p.Scope, p.updates(), p.LearningRate, p.EMA, first, second)
}

// identity names the players of a game; training by one loss has none.
func (g Game) identity() string {
	if len(g) == 1 && g[0].Name == "" {
		return ""
	}
	names := make([]string, len(g))
	for i, p := range g {
		names[i] = p.String()
	}
	return strings.Join(names, "; ")
}

func (g Game) check(c Config) error {
	if len(g) == 0 {
		return fmt.Errorf("fit.Game: no players, expected one or more")
	}
	if c.EMA != 0 {
		return fmt.Errorf("fit.Game: Config.EMA = %g, expected 0: set that of each Player", c.EMA)
	}
	for i, p := range g {
		wrong := func(field string, value any, want string) error {
			return fmt.Errorf("fit.Game: player %d (%q): %s = %v, expected %s", i, p.Name, field, value, want)
		}
		decay := func(v float64) bool { return v >= 0 && v < 1 }
		switch {
		case p.Name == "":
			return wrong("Name", `""`, "a name")
		case p.Loss == nil:
			return wrong("Loss", "nil", "a loss")
		case !strings.HasPrefix(p.Scope, "/") || strings.HasSuffix(p.Scope, "/"):
			return wrong("Scope", fmt.Sprintf("%q", p.Scope), `the path of a scope, as "/critic"`)
		case p.Updates < 0:
			return wrong("Updates", p.Updates, "1 or more, or 0 for 1")
		case !(p.LearningRate >= 0) || math.IsInf(p.LearningRate, 0):
			return wrong("LearningRate", p.LearningRate, "a positive number, or 0 for Config.LearningRate")
		case !decay(p.EMA):
			return wrong("EMA", p.EMA, "a decay in [0, 1), as 0.999, or 0 for none")
		case !decay(p.Betas[0]) || !decay(p.Betas[1]):
			return wrong("Betas", p.Betas, "two decays in [0, 1), as 0.5 and 0.999")
		}
		for _, q := range g[:i] {
			if p.Name == q.Name || strings.HasPrefix(p.Scope+"/", q.Scope+"/") || strings.HasPrefix(q.Scope+"/", p.Scope+"/") {
				return wrong("Scope", fmt.Sprintf("%q", p.Scope), fmt.Sprintf("a name and a scope apart from those of %q, at %q", q.Name, q.Scope))
			}
		}
	}
	return nil
}

// buildStep builds one round: every player's moves, in their order. It returns the loss of each before its last move.
func (r *run) buildStep(g *graph.Graph, batch []*graph.Node) (losses []*graph.Node) {
	step := r.globalStep().NodeValue(g)
	for _, p := range r.players {
		var loss *graph.Node
		for j := range p.updates() {
			loss = r.buildMove(p, g, dealt(batch, j, p.updates()), graph.ConvertDType(step, dtypes.Float64))
		}
		losses = append(losses, loss)
	}
	r.globalStep().SetNodeValue(graph.OnePlus(step)) // Adam counts every move
	r.checkOwners(g)
	return losses
}

// buildLosses builds every player's loss, without gradients.
func (r *run) buildLosses(g *graph.Graph, batch []*graph.Node) (losses []*graph.Node) {
	for _, p := range r.players {
		losses = append(losses, r.buildLoss(p, g, dealt(batch, 0, p.updates())))
	}
	return losses
}

// checkOwners panics when a weight that the losses use belongs to no player: it would never be trained.
func (r *run) checkOwners(g *graph.Graph) {
	for v := range r.store.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) && r.owner(v) < 0 {
			panic(fmt.Errorf("fit.Game: the weight %s belongs to no player, expected it below the scope of one: %s", v.Path(), r.players.identity()))
		}
	}
}

// owner returns which player a weight belongs to, or −1.
func (r *run) owner(v *model.Variable) int {
	for i, p := range r.players {
		if p.owns(v) {
			return i
		}
	}
	return -1
}

// dealt returns part j of k of a batch's rows.
func dealt(batch []*graph.Node, j, k int) []*graph.Node {
	if k == 1 {
		return batch
	}
	parts := make([]*graph.Node, len(batch))
	for i, x := range batch {
		if x.IsScalar() || x.Shape().Dimensions[0]%k != 0 {
			panic(fmt.Errorf("fit.Player: tensor %d of a batch is %s, expected a multiple of %d rows to deal out to as many updates", i, x.Shape(), k))
		}
		n := x.Shape().Dimensions[0] / k
		parts[i] = graph.Slice(x, graph.AxisRange(j*n, (j+1)*n))
	}
	return parts
}

// settle cuts the weights off from how they came about: without it a player's gradient would run through the moves of
// those before it, which depend on its weights, as in an unrolled game (Metz et al. 2017). GoMLX's Gradient with respect to a
// StopGradient node itself is 0, hence the node around it.
func settle(weights []*model.Variable, g *graph.Graph) {
	for _, v := range weights {
		v.SetNodeValue(graph.IdentityWithCustomGradient(graph.StopGradient(v.NodeValue(g)), func(_, d *graph.Node) *graph.Node { return d }))
	}
}

// curve is the tensor that keeps the losses: [steps], or [steps, players] of a game.
func (r Report) curve() *tensors.Tensor {
	if len(r.Players) == 0 {
		return tensors.FromFlatDataAndDimensions(r.Losses, len(r.Losses))
	}
	var flat []float64
	for step := range r.Losses {
		for _, losses := range r.Players {
			flat = append(flat, losses[step])
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, len(r.Losses), len(r.Players))
}

// addLosses adds those of one step, one for each player.
func (r *Report) addLosses(row []float64) {
	r.Losses = append(r.Losses, row[0])
	for i := range r.Players {
		r.Players[i] = append(r.Players[i], row[i])
	}
}

// takeCurve is curve's inverse.
func (r *Report) takeCurve(t *tensors.Tensor) {
	if r.Losses = nil; t == nil {
		return // the checkpoint of step 0
	}
	players := 1
	if t.Rank() == 2 {
		players = t.Shape().Dimensions[1]
		r.Players = make([][]float64, players)
	}
	flat := lossesOf(t)
	for at := 0; at < len(flat); at += players {
		r.addLosses(flat[at : at+players])
	}
}
