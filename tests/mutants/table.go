package main

import "slices"

// all holds every mutant.
var all = slices.Concat(
	log1mExpMutants, mathxMutants,
	normalMutants, bernoulliMutants, fullNormalMutants, mixtureMutants, observationMutants,
	processMutants, discreteMutants, scheduleMutants, validateMutants,
	paramMutants,
	elboMutants, gradientMutants,
	gaussianMutants, oracleMixtureMutants, pointsMutants, chainMutants, linearMutants, ppcaMutants,
	reverseMutants, stepperMutants, ddimMutants, gridMutants, programMutants,
	vaeMutants, networkMutants, evaluateMutants,
	hvaeMutants, levelsMutants, hvaeNetworkMutants, warmUpMutants,
	vdmMutants, formMutants, lossMutants, timeLawMutants, snrMutants, levelNormalMutants, vdmEvaluateMutants, configMutants,
)
