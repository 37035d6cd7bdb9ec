package ebm

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/integrate/quad"
)

// Box is a product of intervals in one or two dimensions, of float64 x [n, 1] or [n, 2].
type Box struct{ Lo, Hi []float64 }

// The rule: Gauss–Legendre with rulePoints on each of 4, 8, … equal panels of an axis.
const (
	rulePoints  = 16
	firstPanels = 4
	chunk       = 1 << 13 // points in one call of the backend
)

// mostPanels ends the doubling, by dimension: 65,536 points in one, 1,048,576 in two.
var mostPanels = [...]int{1: 4096, 2: 64}

// LogZ returns log ∫ exp(−f(x)) dx over the box, in nats, by Gauss–Legendre quadrature, evaluated on b in float64. It doubles
// the panels until log Z moves by at most tol. The box must hold the mass: give it an edge where exp(−f) is negligible.
//
// It returns an error when that takes more than 65,536 points in one dimension or a million in two, saying how far it got;
// when exp(−f) at the box's edge is more than tol of Z per box volume; and when an energy is NaN or −∞, naming the x.
func LogZ(b compute.Backend, m EBM, box Box, tol float64) (float64, error) {
	exec, err := NewExec(b, func(x *Node) *Node { return m.energy("LogZ", x) })
	if err != nil {
		return 0, fmt.Errorf("ebm.LogZ: %w", err)
	}
	defer exec.Finalize()
	logZ, err := quadrature{box: box, tol: tol, energies: func(x *tensors.Tensor) (*tensors.Tensor, error) {
		out, err := exec.Call(x)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}}.logZ()
	if err != nil {
		return 0, fmt.Errorf("ebm.LogZ: %w", err)
	}
	return logZ, nil
}

// quadrature integrates exp(−f) over a box.
type quadrature struct {
	box      Box
	tol      float64
	energies func(x *tensors.Tensor) (*tensors.Tensor, error) // f [n] of x [n, d], both float64
}

func (q quadrature) logZ() (float64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	d := len(q.box.Lo)
	last, moved := math.NaN(), math.Inf(1)
	for panels := firstPanels; panels <= mostPanels[d]; panels *= 2 {
		logZ, err := q.rule(panels)
		if err != nil {
			return 0, err
		}
		if math.IsInf(logZ, -1) {
			return 0, fmt.Errorf("exp(−f) is 0 at all %d points of the box from %v to %v: move the box, or add a constant to f",
				int(math.Pow(float64(panels*rulePoints), float64(d))), q.box.Lo, q.box.Hi)
		}
		if moved = math.Abs(logZ - last); moved <= q.tol {
			return logZ, q.checkEdge(logZ)
		}
		last = logZ
	}
	return 0, fmt.Errorf("log Z = %.10g still moved by %.2g with %d points an axis, expected at most %g: make the box smaller, or tol larger",
		last, moved, mostPanels[d]*rulePoints, q.tol)
}

func (q quadrature) check() error {
	d := len(q.box.Lo)
	if d < 1 || d > 2 || len(q.box.Hi) != d {
		return fmt.Errorf("a box from %v to %v, expected one or two dimensions: in more AIS estimates Z", q.box.Lo, q.box.Hi)
	}
	for i := range d {
		if width := q.box.Hi[i] - q.box.Lo[i]; !(width > 0) || math.IsInf(width, 1) {
			return fmt.Errorf("a box from %v to %v, expected finite limits, the lower ones first", q.box.Lo, q.box.Hi)
		}
	}
	if !(q.tol > 0) {
		return fmt.Errorf("a tolerance of %g, expected a positive number, as 1e-8", q.tol)
	}
	return nil
}

// rule returns log Z by the given number of panels an axis.
func (q quadrature) rule(panels int) (float64, error) {
	var axes, weights [2][]float64
	for i := range q.box.Lo {
		axes[i], weights[i] = nodes(q.box.Lo[i], q.box.Hi[i], panels)
	}
	if len(q.box.Lo) == 1 {
		axes[1], weights[1] = []float64{0}, []float64{1}
	}
	sum := logSum{top: math.Inf(-1)}
	points, logW := make([]float64, 0, chunk*len(q.box.Lo)), make([]float64, 0, chunk)
	for i, x := range axes[0] {
		for j, y := range axes[1] {
			points = append(points, []float64{x, y}[:len(q.box.Lo)]...)
			logW = append(logW, math.Log(weights[0][i]*weights[1][j]))
			if len(logW) < chunk {
				continue
			}
			if err := q.add(&sum, points, logW); err != nil {
				return 0, err
			}
			points, logW = points[:0], logW[:0]
		}
	}
	if len(logW) > 0 {
		if err := q.add(&sum, points, logW); err != nil {
			return 0, err
		}
	}
	return sum.log(), nil
}

// add adds weight·exp(−f) of the points.
func (q quadrature) add(sum *logSum, points, logW []float64) error {
	f, err := q.at(points)
	if err != nil {
		return err
	}
	for i, logWeight := range logW {
		sum.add(logWeight - f[i])
	}
	return nil
}

// at returns the energies of up to chunk points. The tensor always has chunk rows, so that one program serves all: the last point
// fills it up.
func (q quadrature) at(points []float64) ([]float64, error) {
	d := len(q.box.Lo)
	n := len(points) / d
	full := append(make([]float64, 0, chunk*d), points...)
	for len(full) < chunk*d {
		full = append(full, points[len(points)-d:]...)
	}
	x := tensors.FromFlatDataAndDimensions(full, chunk, d)
	defer x.MustFinalizeAll()
	out, err := q.energies(x)
	if err != nil {
		return nil, err
	}
	defer out.MustFinalizeAll()
	f, err := tensors.CopyFlatData[float64](out)
	if err != nil {
		return nil, fmt.Errorf("an energy of %s, expected float64 as x: %w", out.Shape(), err)
	}
	for i, v := range f[:n] {
		if math.IsNaN(v) || math.IsInf(v, -1) {
			return nil, fmt.Errorf("the energy is %g at x = %v, expected a number, or +Inf where p is 0", v, points[i*d:(i+1)*d])
		}
	}
	return f[:n], nil
}

// checkEdge returns an error when the density on the edge, over the box's volume, is more than tol of all.
func (q quadrature) checkEdge(logZ float64) error {
	points, logVolume := q.edge(), 0.0
	for i := range q.box.Lo {
		logVolume += math.Log(q.box.Hi[i] - q.box.Lo[i])
	}
	f, err := q.at(points)
	if err != nil {
		return err
	}
	d := len(q.box.Lo)
	for i, v := range f {
		if share := math.Exp(logVolume - v - logZ); share > q.tol {
			return fmt.Errorf("the density at the edge of the box, x = %v, is %.2g of the mean over the box, expected at most %g: widen the box; "+
				"if that does not help, exp(−f) has no finite integral", points[i*d:(i+1)*d], share, q.tol)
		}
	}
	return nil
}

// edge returns points on the edge of the box: two, or edgePoints on each side.
func (q quadrature) edge() (points []float64) {
	lo, hi := q.box.Lo, q.box.Hi
	if len(lo) == 1 {
		return []float64{lo[0], hi[0]}
	}
	const edgePoints = 256
	for i := range edgePoints + 1 {
		u := float64(i) / edgePoints
		x, y := lo[0]+u*(hi[0]-lo[0]), lo[1]+u*(hi[1]-lo[1])
		points = append(points, x, lo[1], x, hi[1], lo[0], y, hi[0], y)
	}
	return points
}

// nodes returns the points and weights of the rule from lo to hi.
func nodes(lo, hi float64, panels int) (x, w []float64) {
	x, w = make([]float64, panels*rulePoints), make([]float64, panels*rulePoints)
	width := (hi - lo) / float64(panels)
	for p := range panels {
		i, start := p*rulePoints, lo+float64(p)*width
		quad.Legendre{}.FixedLocations(x[i:i+rulePoints], w[i:i+rulePoints], start, start+width)
	}
	return x, w
}

// logSum adds numbers that are given by their logarithms: all of them are sum·exp(top).
type logSum struct{ top, sum float64 }

func (s *logSum) add(logV float64) {
	switch {
	case math.IsInf(logV, -1):
	case logV > s.top:
		s.sum, s.top = s.sum*math.Exp(s.top-logV)+1, logV
	default:
		s.sum += math.Exp(logV - s.top)
	}
}

func (s *logSum) log() float64 { return s.top + math.Log(s.sum) }
