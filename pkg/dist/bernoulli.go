package dist

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Bernoulli is a product of coins with P(xᵢ = 1) = σ(Logitsᵢ), Logits [batch, event...].
type Bernoulli struct{ Logits *Node }

// LogProb returns Σᵢ xᵢ log σ(lᵢ) + (1−xᵢ) log σ(−lᵢ) = Σᵢ xᵢlᵢ − log(1+e^lᵢ), [batch], in nats.
// For x between 0 and 1 it is minus the cross-entropy, which is no normalised density (Loaiza-Ganem and
// Cunningham 2019).
func (b Bernoulli) LogProb(x *Node) *Node {
	return mathx.SumEvent(Sub(Mul(x, b.Logits), mathx.Softplus(b.Logits)))
}

// Sample draws 0 or 1 for each logit. No gradient flows through it.
func (b Bernoulli) Sample(src noise.Source) *Node {
	u := src.RandomUniform(b.Logits.Graph(), b.Logits.Shape())
	return StopGradient(ConvertDType(LessThan(u, b.Expectation()), b.Logits.DType()))
}

// Expectation returns σ(Logits), the probability of 1.
func (b Bernoulli) Expectation() *Node { return Sigmoid(b.Logits) }
