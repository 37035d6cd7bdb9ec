package nets

import "fmt"

// layer is an affine map of in features to out, applied to that many rows an image.
type layer struct {
	in, out, rows int
	bias          bool
}

func parameters(list []layer) (n int) {
	for _, l := range list {
		n += l.in * l.out
		if l.bias {
			n += l.out
		}
	}
	return n
}

func flops(list []layer) (n float64) {
	for _, l := range list {
		n += 2 * float64(l.in) * float64(l.out) * float64(l.rows)
	}
	return n
}

// attentionLayers are the products for queries, keys and values of n tokens, and for the output.
func attentionLayers(dim, n int) []layer {
	return []layer{{in: dim, out: 3 * dim, bias: true, rows: n}, {in: dim, out: dim, bias: true, rows: n}}
}

// scoreFLOPs are the operations of q kᵀ and of its product with v for n tokens.
func scoreFLOPs(n, dim int) float64 { return 4 * float64(n) * float64(n) * float64(dim) }

func cost(parameters int, flops float64) string {
	return fmt.Sprintf("%d parameters, %.4g MFLOP an image", parameters, flops/1e6)
}

// count is a field that must be 1 or more.
type count struct {
	name  string
	value int
}

// tooSmall returns the first count below 1, or an empty name.
func tooSmall(counts ...count) (name string, value int) {
	for _, c := range counts {
		if c.value < 1 {
			return c.name, c.value
		}
	}
	return "", 0
}
