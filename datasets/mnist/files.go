package mnist

import (
	"strings"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// set is one of the two data sets: its files and their home.
type set struct {
	name, baseURL                                    string
	folders                                          []string
	trainImages, trainLabels, testImages, testLabels entry
}

// entry is a file: its size and SHA-256 as they are published.
type entry struct {
	name   string
	size   int64
	sha256 string
}

// file describes e to datasets.Source, which also accepts it unpacked.
func (s set) file(e entry) datasets.File {
	return datasets.File{Set: s.name, Name: e.name, Also: []string{strings.TrimSuffix(e.name, ".gz")},
		Folders: s.folders, BaseURL: s.baseURL, Size: e.size, SHA256: e.sha256}
}

// The files of MNIST. Their first home no longer serves them to programs; this is the copy that TensorFlow's
// and PyTorch's loaders have come to use, with the same bytes.
var digits = set{
	name:        "mnist",
	baseURL:     "https://storage.googleapis.com/cvdf-datasets/mnist/",
	trainImages: entry{"train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
	trainLabels: entry{"train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
	testImages:  entry{"t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
	testLabels:  entry{"t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
}

// The files of Fashion-MNIST, as its authors serve them. Debian's package holds the same data, compressed anew.
var fashion = set{
	name:        "fashion-mnist",
	baseURL:     "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
	folders:     []string{debian},
	trainImages: entry{"train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
	trainLabels: entry{"train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
	testImages:  entry{"t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
	testLabels:  entry{"t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
}

// debian is the folder of Debian's package dataset-fashion-mnist.
const debian = "/usr/share/datasets/fashion-mnist"
