// V8 as a peer of benchmarks: runs a script under node and reads the one number that it prints.
#pragma once
#include <cstdio>
#include <string>

// `arguments` are node's flags and `script` its program (without single quotes), which finds `path` in process.argv[1].
// The number that it prints, or 0 where node is missing or fails.
inline double measure_in_node(const std::string& arguments, const std::string& script, const std::string& path) {
  const std::string command = "node " + arguments + " -e '" + script + "' '" + path + "' 2>/dev/null";
  FILE* node = popen(command.c_str(), "r");
  if (node == nullptr) return 0;
  double number = 0;
  if (fscanf(node, "%lf", &number) != 1) number = 0;
  pclose(node);
  return number;
}
