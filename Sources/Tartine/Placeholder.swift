@_exported import TartineData
@_exported import TartineNetworks
@_exported import TartineOptimizers
@_exported import TartineTraining
