package main

var textMutants = in("pkg/nets/text.go", "TestText|TestRows",
	mutant{Name: "text-place", Old: `h := graph.Add(graph.Reshape(rows, batch, e.Length, e.Dim), places)`, New: `h := graph.Add(graph.Reshape(rows, batch, e.Length, e.Dim), graph.ZerosLike(places))`,
		Bug: "an encoder that does not see the order of the words"},
	mutant{Name: "text-residual", Old: `h = graph.Add(h, graph.Reshape(mixed, batch, e.Length, e.Dim))`, New: `h = graph.Reshape(mixed, batch, e.Length, e.Dim)`,
		Bug: "the words themselves lost behind the attention"},
	mutant{Name: "text-norm", Old: `graph.Reshape(layerNorm(h), -1, e.Dim)`, New: `graph.Reshape(h, -1, e.Dim)`,
		Bug: "attention over words that are not normalised"},
	mutant{Name: "text-mean", Old: `graph.ReduceMean(h, 1)`, New: `graph.ReduceSum(h, 1)`, Bug: "a sum for the mean over the words"},
	mutant{Name: "text-heads", Old: `-1, e.Dim), batch, e.Heads, GlorotUniform)`, New: `-1, e.Dim), batch, 1, GlorotUniform)`,
		Bug: "one head for all of them"},
	mutant{Name: "text-none", Old: `shapes.Make(dtypes.Int32, 1, e.Length), float64(e.None()))`, New: `shapes.Make(dtypes.Int32, 1, e.Length), 0.)`,
		Bug: "the first word for no word"},
)

var vocabularyMutants = in("pkg/nets/vocabulary.go", "TestVocabulary",
	mutant{Name: "words-index", Old: `indices[i] = int32(at)`, New: `indices[i] = int32(at + 1)`, Bug: "an index off by one"},
	mutant{Name: "words-none", Old: `slices.Repeat([]int32{int32(v.None())}, v.Length)`, New: `slices.Repeat([]int32{0}, v.Length)`,
		Bug: "captions filled up with the first word"},
	mutant{Name: "words-case", Old: `strings.FieldsFunc(strings.ToLower(caption)`, New: `strings.FieldsFunc(caption`, Bug: "capital letters count"},
	mutant{Name: "words-long", Old: `if len(words) > v.Length {`, New: `if len(words) > v.Length+1 {`, Bug: "a caption that is too long: an index off by one"},
)

var conditionMutants = in("pkg/vdm/condition.go", "TestSampleGiven|TestDropHides|TestEvaluateGiven|TestConditionErrors",
	mutant{Name: "drop-rate", Old: `guide.Drop(src, y, c.null(y), c.Drop)`, New: `guide.Drop(src, y, c.null(y), 1-c.Drop)`,
		Bug: "the share that is shown for the share that is hidden"},
	mutant{Name: "null-class", Old: `FillScalar(y.Graph(), y.Shape(), float64(c.Classes))`, New: `FillScalar(y.Graph(), y.Shape(), float64(c.Classes-1))`,
		Bug: "the last class for none: an index off by one"},
	mutant{Name: "null-words", Old: `FillScalar(y.Graph(), y.Shape(), float64(c.Caption.None()))`, New: `ZerosLike(y)`, Bug: "the first word for no word"},
	mutant{Name: "guided-swap", Old: `guide.BatchedAt(net, given[0], c.null(given[0]),`, New: `guide.BatchedAt(net, c.null(given[0]), given[0],`,
		Bug: "guidance away from the condition"},
	mutant{Name: "guided-none", Old: `return c.Build(scope, given[0]).Denoise`, New: `return c.Build(scope, nil).Denoise`, Bug: "a condition that is not used"},
	mutant{Name: "scale-one", Old: `	case scale == 1:
		return []*tensors.Tensor{condition}, nil`, New: `	case scale >= 1:
		return []*tensors.Tensor{condition}, nil`, Bug: "a scale above 1 ignored"},
	mutant{Name: "coarse-values", Old: `float32(c.Levels.Between(u))`, New: `float32(u)`, Bug: "intensities for the model's values"},
	mutant{Name: "coarse-means", Old: `return mathx.CellMeans(x0, c.Coarse)`, New: `return mathx.CellMeans(ZerosLike(x0), c.Coarse)`,
		Bug: "a small picture that tells nothing"},
	mutant{Name: "never-hidden", Old: `if scale != 1 && c.Drop == 0 {`, New: `if scale < 1 && c.Drop == 0 {`,
		Bug: "guidance by a model that never saw a hidden condition"},
)

var conditionalEvaluateMutants = in("pkg/vdm/evaluate.go", "TestEvaluateGiven",
	mutant{Name: "given-rows", Old: `y = repeatEach(c.given(in, x0), k)`, New: `y = Reshape(Transpose(Reshape(repeatEach(c.given(in, x0), k), -1, k), 0, 1), -1)`,
		Bug: "conditions and images mixed up"},
)

var conditionalConfigMutants = in("pkg/vdm/networks.go", "TestDropHides|TestSampleGiven",
	mutant{Name: "drop-none", Old: `c.shown(noise.Finite(scope), c.given(batch, x0))`, New: `c.given(batch, x0)`, Bug: "no condition is ever hidden"},
	mutant{Name: "given-none", Old: `return c.Network().Apply(scope, xt, t, y)`, New: `return c.Network().Apply(scope, xt, t, nil)`,
		Bug: "a network that is not told its condition"},
)

var betweenMutants = in("pkg/vdm/discretized.go", "TestBetween",
	mutant{Name: "between", Old: `return (2*u*float64(n-1)+1)/float64(n) - 1 }`, New: `return 2*u - 1 }`, Bug: "intensities from −1 to 1 for the levels' values"},
)
