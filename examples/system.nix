# Two instances: hello imports the functions of greeter. The system ends when hello has ended, with its status.
# Both are built from source, unless store paths of installed ones are given (--argstr greeter /kpkg/store/…).
{ kpkgs
, greeter ? import ./greeter/kpkg.nix { inherit kpkgs; }
, hello ? import ./hello/kpkg.nix { inherit kpkgs; }
}:

kpkgs.mkSystem {
  name = "hello-system";
  instances = [
    {
      name = "greeter";
      component = greeter;
      grants = [ ];
      exit = "ignore"; # a library: it waits to be called
    }
    {
      name = "hello";
      component = hello;
      links = { greeter = "greeter"; };
      args = [ "kernel" ];
      grants = [ "stdout" "stderr" ];
    }
  ];
}
