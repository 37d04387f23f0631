// The umbrella module of programs that open models and predict, and train none or a few: without diagnosis, search, reports and
// SQLite.
@_exported import TartineData
@_exported import TartineEngine
@_exported import TartineFiles
@_exported import TartineNetworks
@_exported import TartineTraining
