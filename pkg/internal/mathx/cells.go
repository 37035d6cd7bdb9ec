package mathx

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// CellMeans returns the means of cells of size×size pixels of x [batch, height, width, channels], as [batch, height/size,
// width/size, channels]. It panics when x does not fall into cells.
func CellMeans(x *graph.Node, size int) *graph.Node {
	d := x.Shape().Dimensions
	if x.Rank() != 4 || size < 1 || d[1]%size != 0 || d[2]%size != 0 {
		panic(fmt.Errorf("mathx.CellMeans: cells of %d×%d pixels and x of shape %s, expected [batch, height, width, channels] with a height "+
			"and a width that are multiples of the cells'", size, size, x.Shape()))
	}
	return graph.ReduceMean(graph.Reshape(x, d[0], d[1]/size, size, d[2]/size, size, d[3]), 2, 4)
}

// Enlarge repeats each pixel of y [batch, height, width, channels] size×size times: the pseudo-inverse of CellMeans, and its
// right inverse. It panics for another rank, or size < 1.
func Enlarge(y *graph.Node, size int) *graph.Node {
	if y.Rank() != 4 || size < 1 {
		panic(fmt.Errorf("mathx.Enlarge: %d×%d times y of shape %s, expected at least 1 and [batch, height, width, channels]", size, size, y.Shape()))
	}
	d := y.Shape().Dimensions
	wide := graph.BroadcastToDims(graph.Reshape(y, d[0], d[1], 1, d[2], 1, d[3]), d[0], d[1], size, d[2], size, d[3])
	return graph.Reshape(wide, d[0], d[1]*size, d[2]*size, d[3])
}
