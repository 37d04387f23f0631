// The umbrella module: `import Tartine` imports the whole library.
@_exported import TartineData
@_exported import TartineDiagnosis
@_exported import TartineEngine
@_exported import TartineFiles
@_exported import TartineImprovement
@_exported import TartineNetworks
@_exported import TartineOptimizers
@_exported import TartineReports
@_exported import TartineSearch
@_exported import TartineTraining
