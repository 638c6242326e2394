# kpkgs: how modules and systems are described.
#
#   import kpkgs { toolchains = { clang = <store path of the captured clang toolchain>; }; }
#
# A package file is a function of this set: `{ kpkgs }: kpkgs.mkModule { … }`. Whoever is not given a toolchain can still
# evaluate mkSystem over modules that need none; mkModule says what to import.
{ toolchains ? { } }:

let
  module = import ./module.nix { inherit toolchains; };
  system = import ./system.nix;
in
{
  inherit toolchains;

  # A package file, called with this library (and whatever `more` it wants).
  callPackage = file: more: import file ({ kpkgs = import ./default.nix { inherit toolchains; }; } // more);

  inherit (module) mkModule;
  inherit (system) mkSystem;
}
