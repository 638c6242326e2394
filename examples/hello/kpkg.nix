{ kpkgs }:

kpkgs.mkModule {
  name = "hello";
  version = "0.1.0";
  src = ./.;
  imports = [ "greeter" ];
  licence = "MIT";
  description = "Prints the greetings of another module";
}
