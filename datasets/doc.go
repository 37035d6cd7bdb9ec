// Package datasets holds what every data set of Lowerbound shares: the interface Data, images in memory, the Loader
// that cuts data into shuffled batches, and Source, which finds files or downloads them.
//
// The data sets themselves are packages below it:
//
//   - toys: laws in the plane with exact samples (8 Gaussians, two moons, swiss roll, checkerboard, rings, a line);
//   - shapes: drawn 8x8 pictures with known factors, and a 3x3 binary law small enough to enumerate;
//   - digits: 1,797 handwritten 8x8 digits, embedded in the program;
//   - mnist: MNIST and Fashion-MNIST, 28x28, from their IDX files;
//   - cifar: CIFAR-10, 32x32 in colour, from its binary files.
//
// A batch is a list of tensors: first x, float32 [batch, ...], then labels, int32 [batch], or factors, float32 [batch, k].
// Every draw is a function of seeds that the caller gives. There is no global state.
package datasets
