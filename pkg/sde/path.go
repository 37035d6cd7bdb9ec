package sde

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Path returns x at each of times, from x itself at times[0], by draws from Step: Euler and Maruyama's method. The times grow, or
// fall. Every step is a part of the graph: it serves pictures and tests, and package sampler whoever takes many steps.
// It panics with fewer than two times, or when they neither grow nor fall.
func (s SDE) Path(src noise.Source, x *Node, times []float64) []*Node {
	checkMonotone("SDE.Path", times)
	path, at := []*Node{x}, func(t float64) *Node { return timeLike(x, t) }
	for i := range times[1:] {
		x = s.draw(src, x, at(times[i]), at(times[i+1]))
		path = append(path, x)
	}
	return path
}

// draw returns x_u ~ Step(x, t, u).
func (s SDE) draw(src noise.Source, x, t, u *Node) *Node {
	law := s.Step(x, t, u)
	if s.Diffusion == nil {
		return law.Mean
	}
	return law.Sample(src)
}

// timeLike returns t as [1, …, 1] of x's rank and dtype.
func timeLike(x *Node, t float64) *Node {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	return Reshape(Scalar(x.Graph(), x.DType(), t), dims...)
}

func checkMonotone(method string, times []float64) {
	if len(times) < 2 {
		panic(fmt.Errorf("sde.%s: %d times, expected at least 2", method, len(times)))
	}
	for i := 1; i < len(times); i++ {
		if !((times[i]-times[i-1])*(times[1]-times[0]) > 0) {
			panic(fmt.Errorf("sde.%s: times[%d] = %g after times[%d] = %g, expected times that all grow or all fall", method, i, times[i], i-1, times[i-1]))
		}
	}
}
