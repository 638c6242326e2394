{ kpkgs }:

kpkgs.mkModule {
  name = "crash";
  version = "0.1.0";
  src = ./.;
  cflags = [ "-O1" "-Wall" "-Wextra" ];
  licence = "MIT";
  description = "Traps three calls deep, to show a backtrace";
}
