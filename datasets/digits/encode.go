//go:build ignore

// Encode writes digits.bin from the file digits.csv.gz of scikit-learn (sklearn/datasets/data in its wheel;
// made with version 1.9.1):
//
//	pip download --no-deps scikit-learn==1.9.1
//	unzip scikit_learn-1.9.1-*.whl sklearn/datasets/data/digits.csv.gz
//	go run encode.go sklearn/datasets/data/digits.csv.gz
//
// A line of the file is 64 pixels, 0..16, row by row, and the class. A record of digits.bin is the same in 65 bytes.
package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run encode.go digits.csv.gz")
	}
	file, err := os.Open(os.Args[1])
	check(err)
	defer file.Close()
	plain, err := gzip.NewReader(file)
	check(err)
	lines := csv.NewReader(plain)
	lines.FieldsPerRecord = 65
	rows, err := lines.ReadAll()
	check(err)
	var out []byte
	for _, row := range rows {
		for _, field := range row {
			v, err := strconv.ParseUint(field, 10, 8)
			check(err)
			out = append(out, byte(v))
		}
	}
	check(os.WriteFile("digits.bin", out, 0o644))
	fmt.Printf("digits.bin: %d records\n", len(rows))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
