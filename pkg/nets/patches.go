package nets

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// patches cuts x [batch, height, width, channels] into a grid [batch, rows, p, cols, p, channels].
func patches(x *graph.Node, p int) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Reshape(x, d[0], d[1]/p, p, d[2]/p, p, d[3])
}

// tokens turns the grid [batch, rows, a, cols, b, channels] into one row a patch [batch·rows·cols, a·b·channels].
func tokens(grid *graph.Node) *graph.Node {
	d := grid.Shape().Dimensions
	return graph.Reshape(graph.TransposeAllAxes(grid, 0, 1, 3, 2, 4, 5), d[0]*d[1]*d[3], d[2]*d[4]*d[5])
}

// unpatch puts rows [batch·rows·cols, p·p·channels] back together as [batch, height, width, channels].
func unpatch(rows *graph.Node, batch, height, width, channels, p int) *graph.Node {
	grid := graph.Reshape(rows, batch, height/p, width/p, p, p, channels)
	return graph.Reshape(graph.TransposeAllAxes(grid, 0, 1, 3, 2, 4, 5), batch, height, width, channels)
}

// withHalo widens each patch of the grid by the r pixels around it, 0 outside the image:
// [batch, rows, p, cols, p, channels] becomes [batch, rows, p+2r, cols, p+2r, channels]. r is at most p.
func withHalo(grid *graph.Node, r int) *graph.Node {
	if r == 0 {
		return grid
	}
	for _, axis := range []int{1, 3} { // the patches' rows, then their columns
		n, p := grid.Shape().Dimensions[axis], grid.Shape().Dimensions[axis+1]
		last := graph.SliceAxis(grid, axis+1, graph.AxisRange(p-r))
		first := graph.SliceAxis(grid, axis+1, graph.AxisRange(0, r))
		empty := graph.ZerosLike(graph.SliceAxis(first, axis, graph.AxisRange(0, 1)))
		before, after := empty, empty
		if n > 1 {
			before = graph.Concatenate([]*graph.Node{empty, graph.SliceAxis(last, axis, graph.AxisRange(0, n-1))}, axis)
			after = graph.Concatenate([]*graph.Node{graph.SliceAxis(first, axis, graph.AxisRange(1)), empty}, axis)
		}
		grid = graph.Concatenate([]*graph.Node{before, grid, after}, axis+1)
	}
	return grid
}

// fourier returns sin(2ⁿπx) and cos(2ⁿπx) for each n, along the last axis: [batch, …, 2·channels·len(exponents)].
func fourier(x *graph.Node, exponents []int) *graph.Node {
	var features []*graph.Node
	for _, n := range exponents {
		angle := graph.MulScalar(x, math.Pi*math.Exp2(float64(n)))
		features = append(features, graph.Sin(angle), graph.Cos(angle))
	}
	return graph.Concatenate(features, -1)
}
