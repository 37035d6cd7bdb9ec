package main

var independentMutants = in("pkg/metric/independent.go", "TestIndependent",
	mutant{Name: "independent-place", Old: `counts[i%d*levels+int(v)]++`, New: `counts[i%1*levels+int(v)]++`,
		Bug: "the frequencies of all places in one table"},
	mutant{Name: "independent-once-more", Old: `float64(1+counts[i%d*levels+int(v)])`, New: `float64(counts[i%d*levels+int(v)])`,
		Bug: "a level that was never seen gets the probability 0"},
	mutant{Name: "independent-total", Old: `float64(levels+len(train)/d)`, New: `float64(1+len(train)/d)`,
		Bug: "probabilities that do not sum to 1: each level is counted once more, and the total once"},
	mutant{Name: "independent-per-example", Old: `bits / float64(len(test))`, New: `bits * float64(d) / float64(len(test))`,
		Bug: "bits of an example for bits of a number"},
)

var energyModelMutants = in("pkg/ebm/model.go", "TestModel$",
	mutant{Name: "model-log-z", Old: `values[i] -= logZ`, New: `values[i] += logZ`, Bug: "log p = −f + log Z"},
)
