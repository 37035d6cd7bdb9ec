package metric

import (
	"fmt"
	"sort"
)

// Fidelity is what PrecisionRecall measures, with all that it depends on.
type Fidelity struct {
	Precision float64 // the share of the model's samples that lie on the manifold of the data
	Recall    float64 // the share of the data that lie on the manifold of the model's samples
	K         int     // which neighbour gives a ball its radius
	Model     int     // samples of the model
	Data      int     // and of the data
	Space     string  // the feature space
}

// String prints "precision 0.93, recall 0.88 (k = 3, 1000 samples against 1000, pixels)".
func (f Fidelity) String() string {
	return fmt.Sprintf("precision %.3g, recall %.3g (k = %d, %d samples against %d, %s)", f.Precision, f.Recall, f.K, f.Model, f.Data, f.Space)
}

// PrecisionRecall returns the improved precision and recall of model [n][d] against data [m][d] in a feature space.
// The manifold of a set Φ is the union of the balls around its members, each as large as the distance to its k-th nearest
// neighbour in Φ; a sample lies on it when
//
//	‖φ − φ'‖ ≤ ‖φ' − NN_k(φ', Φ)‖ for at least one φ' in Φ
//
// Source: Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models", equations
// 1 and 2, who take k = 3. It takes n²/2 + m²/2 + nm distances. It panics unless 1 ≤ k < n, m.
//
// Both are below 1 where the laws agree: in one dimension with k = 1 they are 3/4 for uniform data, at every size. So
// compare only numbers of equal k, space and sizes, and print what two exact sets get: see WithFloor.
func PrecisionRecall(model, data [][]float64, k int, space Space) Fidelity {
	checkSets("PrecisionRecall", k+1, data, model)
	if k < 1 {
		panic(fmt.Errorf("metric.PrecisionRecall: k = %d, expected at least 1", k))
	}
	x, y := space.Features(model), space.Features(data)
	return Fidelity{shareOn(x, y, k), shareOn(y, x, k), k, len(model), len(data), space.Name}
}

// shareOn returns the share of x on the manifold of points.
func shareOn(x, points [][]float64, k int) float64 {
	radii2 := neighbourRadii2(points, k)
	on := 0
	for _, v := range x {
		for i, p := range points {
			if squared(v, p) <= radii2[i] {
				on++
				break
			}
		}
	}
	return float64(on) / float64(len(x))
}

// neighbourRadii2 returns the squared distance of each point to its k-th nearest other one.
func neighbourRadii2(points [][]float64, k int) []float64 {
	nearest := make([][]float64, len(points)) // the k least squared distances so far, rising
	keep := func(i int, d float64) {
		at := sort.SearchFloat64s(nearest[i], d)
		if at == k {
			return
		}
		nearest[i] = append(nearest[i], 0)
		copy(nearest[i][at+1:], nearest[i][at:])
		nearest[i][at] = d
		nearest[i] = nearest[i][:min(k, len(nearest[i]))]
	}
	for i, v := range points {
		for j := range i {
			d := squared(v, points[j])
			keep(i, d)
			keep(j, d)
		}
	}
	out := make([]float64, len(points))
	for i := range out {
		out[i] = nearest[i][k-1]
	}
	return out
}
