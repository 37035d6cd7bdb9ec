package nets_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// testNet is a network on images with what a test must know of it.
type testNet struct {
	nets.Denoiser
	h, w, c, classes int
	caption          nets.Vocabulary
}

// smallNets are the networks of both kinds, without classes, with, and with captions.
func smallNets() map[string]testNet {
	all := map[string]testNet{}
	for name, p := range patchVariants() {
		all["Patch "+name] = testNet{p, p.Height, p.Width, p.Channels, p.Classes, p.Caption}
	}
	for name, u := range unetVariants() {
		all["UNet "+name] = testNet{u, u.Height, u.Width, u.Channels, u.Classes, u.Caption}
	}
	return all
}

// labels returns a constant of labels, or captions of one word each, or nil for a network without a condition.
func (n testNet) labels(x *graph.Node, values ...int32) *graph.Node {
	return n.condition(graph.Const(x.Graph(), values))
}

// condition returns labels as the network takes them: each as a caption of that word alone, again and again, where it takes captions.
func (n testNet) condition(labels *graph.Node) *graph.Node {
	switch {
	case !n.caption.Empty():
		return graph.BroadcastToDims(graph.InsertAxes(labels, -1), labels.Shape().Size(), n.caption.Length)
	case n.classes == 0:
		return nil
	}
	return labels
}

// A new network returns 0; its cost is what the store and the graph hold.
func TestStart(t *testing.T) {
	for name, n := range smallNets() {
		store, counted := seeded(t, 1), 0.0
		out, err := model.CallOnce(pureGo(t), store, func(s *model.Scope, x, time *graph.Node) *graph.Node {
			y := n.Apply(s, x, time, n.labels(x, 0, 3))
			counted = products(t, x.Graph())
			return y
		}, images(2, n.h, n.w, n.c, 1), timesOf(.2, .8))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range tensors.MustCopyFlatData[float64](out) {
			if v != 0 {
				t.Errorf("%s: output %d of a new network is %g, want 0", name, i, v)
			}
		}
		if got := size(store); got != n.Parameters() {
			t.Errorf("%s: the store holds %d weights, Parameters says %d", name, got, n.Parameters())
		}
		if got := n.FLOPs(2); got != counted {
			t.Errorf("%s: the graph's products take %g operations, FLOPs says %g", name, counted, got)
		}
		if text := fmt.Sprint(n.Denoiser); !strings.Contains(text, fmt.Sprintf("%d parameters", n.Parameters())) {
			t.Errorf("%s: String says %q, without the %d parameters", name, text, n.Parameters())
		}
	}
}

// Each row of a batch has an output of its own: it depends on its image, its time and its label, and on no other row.
// The label Classes is the same as none, and so is a caption of no words.
func TestRows(t *testing.T) {
	for name, n := range smallNets() {
		t.Run(name, func(t *testing.T) {
			store, b := seeded(t, 6), pureGo(t)
			exec := model.MustNewExec(b, store, func(s *model.Scope, x, time, label *graph.Node) *graph.Node {
				return n.Apply(s, x, time, n.condition(label))
			})
			x := images(3, n.h, n.w, n.c, 1)
			exec.MustCall(x, timesOf(.1, .5, .9), []int32{0, 1, 2})
			perturb(t, store, .3)
			rows := func(x *tensors.Tensor, time []float64, label ...int32) (r [3][]float64) {
				flat := tensors.MustCopyFlatData[float64](exec.MustCall(x, timesOf(time...), label)[0])
				for i := range r {
					r[i] = flat[i*n.h*n.w*n.c : (i+1)*n.h*n.w*n.c]
				}
				return r
			}
			base := rows(x, []float64{.1, .5, .9}, 0, 1, 2)
			changed(t, "time of row 1", base, rows(x, []float64{.1, .6, .9}, 0, 1, 2), 1)
			if n.classes > 0 || !n.caption.Empty() {
				changed(t, "label of row 2", base, rows(x, []float64{.1, .5, .9}, 0, 1, 3), 2)
				none := model.MustCallOnce(b, store, func(s *model.Scope, x, time *graph.Node) *graph.Node { return n.Apply(s, x, time, nil) },
					x, timesOf(.1, .5, .9))
				null := rows(x, []float64{.1, .5, .9}, 3, 3, 3)
				for i, v := range tensors.MustCopyFlatData[float64](none) {
					near(t, v, null[i/(n.h*n.w*n.c)][i%(n.h*n.w*n.c)], 1e-12, "no label and the label Classes at", i)
				}
			}
			flat := tensors.MustCopyFlatData[float64](x)
			flat[0]++
			changed(t, "image of row 0", base, rows(tensors.FromFlatDataAndDimensions(flat, 3, n.h, n.w, n.c), []float64{.1, .5, .9}, 0, 1, 2), 0)
		})
	}
}

// changed checks that exactly one row of the outputs differs. The networks compute rows by blocks, so equal means to rounding.
func changed(t *testing.T, what string, base, now [3][]float64, row int) {
	t.Helper()
	for i := range base {
		most := 0.0
		for k := range base[i] {
			most = math.Max(most, math.Abs(base[i][k]-now[i][k]))
		}
		if (i == row) != (most > 1e-6) || i != row && most > 1e-12 {
			t.Errorf("another %s changes row %d by %g", what, i, most)
		}
	}
}

// The networks and their gradients by x and by t are the same on every backend, from the same weights.
func TestSameOnBackends(t *testing.T) {
	for _, name := range []string{"Patch plain", "UNet plain"} {
		n := smallNets()[name]
		on := func(b compute.Backend) (values [][]float64) {
			store := seeded(t, 7)
			exec := model.MustNewExec(b, store, func(s *model.Scope, x, time *graph.Node) []*graph.Node {
				y := graph.Sin(n.Apply(s, x, time, nil))
				return append([]*graph.Node{y}, graph.Gradient(graph.ReduceAllSum(y), x, time)...)
			})
			exec.MustCall(images(2, n.h, n.w, n.c, 4), timesOf(.2, .7))
			redraw(t, store, 0, .3)
			for _, out := range exec.MustCall(images(2, n.h, n.w, n.c, 4), timesOf(.2, .7)) {
				values = append(values, check.Floats(out))
			}
			return values
		}
		got, want := on(backendtest.Open(t)), on(pureGo(t))
		for i, part := range []string{"the output", "∂/∂x", "∂/∂t"} {
			check.T(t).Near(name+": "+part, got[i], want[i], 1e-10)
		}
	}
}

// Wrong input is named by the network, the values and the remedy.
func TestImagePanics(t *testing.T) {
	type fn = func(s *model.Scope, x, time *graph.Node) *graph.Node
	patch, unet := nets.PatchTiny, nets.UNetTiny
	apply := func(n nets.Denoiser) fn {
		return func(s *model.Scope, x, time *graph.Node) *graph.Node { return n.Apply(s, x, time, nil) }
	}
	with := func(change func(*nets.Patch)) fn { p := patch; change(&p); return apply(p) }
	withU := func(change func(*nets.UNet)) fn { u := unet; change(&u); return apply(u) }
	for want, build := range map[string]fn{
		"do not divide into patches": with(func(p *nets.Patch) { p.Patch = 3 }),
		"Dim = 12, expected":         with(func(p *nets.Patch) { p.Dim, p.Heads = 12, 8 }),
		"Heads = 0, expected 1":      with(func(p *nets.Patch) { p.Heads = 0 }),
		"Halo = 3, expected 0 to":    with(func(p *nets.Patch) { p.Halo = 3 }),
		"nets.Patch: Classes = -1":   with(func(p *nets.Patch) { p.Classes = -1 }),
		"expected 0 < OmegaMin":      with(func(p *nets.Patch) { p.OmegaMin = 2 }),
		"[batch, 6, 4, 1]: resize":   with(func(p *nets.Patch) { p.Height = 6 }),
		"cannot be halved 3 times":   withU(func(u *nets.UNet) { u.Widths = []int{4, 8, 8, 8} }),
		"no Widths":                  withU(func(u *nets.UNet) { u.Widths = nil }),
		"Widths[1] = 6, expected":    withU(func(u *nets.UNet) { u.Widths, u.Heads = []int{4, 6}, 4 }),
		"Blocks = 0, expected":       withU(func(u *nets.UNet) { u.Blocks = 0 }),
		"[batch, 4, 4, 2]: resize":   withU(func(u *nets.UNet) { u.Channels = 2 }),
		"t is (Float64)[2, 1], expect": func(s *model.Scope, x, time *graph.Node) *graph.Node {
			return patch.Apply(s, x, graph.Reshape(time, 2, 1), nil)
		},
		"Classes = 0; pass nil": func(s *model.Scope, x, time *graph.Node) *graph.Node {
			return patch.Apply(s, x, time, graph.Const(x.Graph(), []int32{0, 0}))
		},
		"expected one of them":       with(func(p *nets.Patch) { p.Classes, p.Caption = 2, threeWords }),
		"0 Words and Length = 3":     with(func(p *nets.Patch) { p.Caption.Length = 3 }),
		"nets.UNet: nets.Vocabulary": withU(func(u *nets.UNet) { u.Caption.Words = []string{"a", "a"} }),
		"expected integers [2 2]": func(s *model.Scope, x, time *graph.Node) *graph.Node {
			p := patch
			p.Caption = threeWords
			return p.Apply(s, x, time, graph.Const(x.Graph(), [][]int32{{0, 1, 2}, {0, 1, 2}}))
		},
		"expected integers [2]": func(s *model.Scope, x, time *graph.Node) *graph.Node {
			u := unet
			u.Classes = 2
			return u.Apply(s, x, time, graph.Const(x.Graph(), []int32{0}))
		},
	} {
		_, err := model.CallOnce(pureGo(t), model.NewStore(), build, images(2, 4, 4, 1, 1), timesOf(.1, .2))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nets.") {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

// The presets are networks that can be built, and what ships of them fits: at 2 bytes a weight, 1 MB for digits and 3 MB for clothes.
func TestPresets(t *testing.T) {
	for limit, list := range map[int][]nets.Denoiser{
		500_000:   {nets.PatchTiny, nets.UNetTiny, nets.PatchDigits, nets.UNetDigits},
		1_450_000: {nets.PatchFashion, nets.UNetFashion},
	} {
		for _, n := range list {
			if err := n.Check(); err != nil || n.Parameters() > limit {
				t.Errorf("%s: %v, want none and at most %d parameters", n, err, limit)
			}
		}
	}
}
