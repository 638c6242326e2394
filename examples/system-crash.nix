# The same pair, and between them a guest that traps: its backtrace is shown, and the others go on.
{ kpkgs }:

let
  greeter = import ./greeter/kpkg.nix { inherit kpkgs; };
  hello = import ./hello/kpkg.nix { inherit kpkgs; };
  crash = import ./crash/kpkg.nix { inherit kpkgs; };
in
kpkgs.mkSystem {
  name = "crash-system";
  instances = [
    {
      name = "greeter";
      component = greeter;
      grants = [ ];
      exit = "ignore";
    }
    {
      name = "crash";
      component = crash;
      grants = [ "stdout" "stderr" ];
      exit = "ignore"; # its end says nothing about the system
    }
    {
      name = "hello";
      component = hello;
      links = { greeter = "greeter"; };
      args = [ "survivor" ];
      grants = [ "stdout" "stderr" ];
    }
  ];
}
