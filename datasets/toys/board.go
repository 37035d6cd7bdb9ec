package toys

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Board is the uniform law on the dark squares of a checkerboard of Cells x Cells squares over [-Half, Half)².
// Square (i, j), counted from the corner (-Half, -Half), is dark when i + j is even.
// The label of a point is the number of its square, i + Cells·j.
type Board struct {
	Cells int
	Half  float64
}

// Checkerboard is the board of 4 x 4 squares over [-2, 2)²: 8 dark squares of side 1, density 1/8 on them.
func Checkerboard() Board { return Board{Cells: 4, Half: 2} }

// Side is the length of a square's side, 2·Half/Cells.
func (b Board) Side() float64 { return 2 * b.Half / float64(b.Cells) }

// Dark returns the numbers of the dark squares, in ascending order.
func (b Board) Dark() []int {
	var dark []int
	for k := range b.Cells * b.Cells {
		if (k%b.Cells+k/b.Cells)%2 == 0 {
			dark = append(dark, k)
		}
	}
	return dark
}

// Square is the number of the square that holds x, or -1 when x is off the board.
func (b Board) Square(x [2]float64) int {
	var at [2]int
	for i, v := range x {
		if !(v >= -b.Half && v < b.Half) {
			return -1
		}
		at[i] = min(int((v+b.Half)/b.Side()), b.Cells-1) // just below Half the sum rounds up
	}
	return at[0] + b.Cells*at[1]
}

// On reports whether x lies on a dark square.
func (b Board) On(x [2]float64) bool {
	k := b.Square(x)
	return k >= 0 && (k%b.Cells+k/b.Cells)%2 == 0
}

// Area is the area of the dark squares: the density is 1/Area on them and 0 elsewhere.
func (b Board) Area() float64 { return float64(len(b.Dark())) * b.Side() * b.Side() }

// Sample draws a dark square, then a point in it. It panics when Cells < 1 or Half is not positive and finite.
func (b Board) Sample(n int, seed int64) *Points {
	if b.Cells < 1 || !(b.Half > 0 && b.Half < math.Inf(1)) {
		panic(fmt.Errorf("toys.Board: %d cells, half side %v; want at least 1 and a positive number", b.Cells, b.Half))
	}
	dark := b.Dark()
	return sample("checkerboard", n, seed, func(rng *rand.Rand) point {
		k := dark[rng.IntN(len(dark))]
		at := func(cell int) float64 { return -b.Half + (float64(cell)+rng.Float64())*b.Side() }
		return point{[2]float64{at(k % b.Cells), at(k / b.Cells)}, k, -1}
	})
}
