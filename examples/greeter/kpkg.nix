{ kpkgs }:

kpkgs.mkModule {
  name = "greeter";
  version = "0.1.0";
  src = ./.;
  libc = false;
  reactor = true;
  exports = [ "greet_count" "greet_length" "greet_char" "greet_sum" ];
  licence = "MIT";
  description = "Greetings in four languages, one character a call";
}
