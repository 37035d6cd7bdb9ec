// Package cifar reads CIFAR-10, 32x32 colour images in ten classes, from its binary files
// (A. Krizhevsky 2009, "Learning multiple layers of features from tiny images").
//
// Load finds the archive as a datasets.Source says: in a folder the caller names, else in the cache, else by a download
// of 162 MiB from https://www.cs.toronto.edu/~kriz/, whose SHA-256 is checked. Gather gives x float32 [batch, 3072] in
// [0, 1], channels last ([batch, 32, 32, 3] after Spatial), and labels int32 [batch].
// The split into 50,000 training and 10,000 test images is the set's own.
package cifar
