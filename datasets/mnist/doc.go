// Package mnist reads MNIST and Fashion-MNIST, 28x28 grey images in ten classes, from their IDX files.
//
// Digits and Fashion find the files as a datasets.Source says: in a folder the caller names, else where an operating
// system's package puts them (Debian's dataset-fashion-mnist), else in the cache, else by a download from
//
//	https://storage.googleapis.com/cvdf-datasets/mnist/                (MNIST)
//	http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/        (Fashion-MNIST)
//
// whose SHA-256 is checked. Gather gives x float32 [batch, 784] in [0, 1] ([batch, 28, 28, 1] after Spatial) and
// labels int32 [batch]. The split into 60,000 training and 10,000 test images is the sets' own.
package mnist
