// Package metric measures how far two sets of samples are from each other, in plain Go on [][]float64, one row a sample.
//
//	in one dimension   Wasserstein1, KolmogorovSmirnov
//	in any             EnergyDistance and EnergyTest, MMD2, SlicedWasserstein1
//	modes              CountModes
//	fidelity           PrecisionRecall, in the feature space Pixels, PCA or another
//	likelihood         BitsPerDim, with its Coding
//	imitation, blur    NeighbourRatio, HighFrequencyPower
//	codes              Spearman, MonotoneR2
//
// # Sample-size floors
//
// Two sets of samples from the same law are not at distance zero. A distance means something only beside its floor: what it
// is between two exact sets of the same sizes. Floor measures it, and WithFloor prints both. As a rule, with n samples in
// each set: Wasserstein1, SlicedWasserstein1 and KolmogorovSmirnov have a positive floor that falls as 1/√n;
// EnergyDistance and MMD2 are unbiased, so that theirs is 0 on average, with a spread that falls as 1/n, and single values
// may be negative. PrecisionRecall stays below 1.
//
// Functions panic, naming the sizes, where a set is empty or the dimensions differ, as gonum does.
package metric
