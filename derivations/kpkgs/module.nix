# mkModule: C sources to a WebAssembly core module, as a derivation whose output is a folder with
#   module.wasm   the module, with its name section, so that a backtrace has names
#   kpkg.json     the manifest (schemas/manifest.schema.json)
#   README.md     if the source has one
# The compiler runs in a sandbox that shows the toolchain at its host paths and the source, nothing else.
{ toolchains }:

let
  inherit (builtins)
    all attrNames concatStringsSep elem filter isBool isList isString match map toJSON typeOf;

  # An argument set with its defaults; names what is unknown or missing, instead of the language's bare complaint.
  arguments = subject: required: defaults: given:
    let
      known = required ++ attrNames defaults;
      unknown = filter (name: !(elem name known)) (attrNames given);
      missing = filter (name: !(given ? ${name})) required;
    in
    if typeOf given != "set" then throw "${subject}: expected a set of arguments, not a ${typeOf given}"
    else if unknown != [ ] then
      throw "${subject}: unknown argument ${concatStringsSep ", " unknown}; it takes ${concatStringsSep ", " known}"
    else if missing != [ ] then throw "${subject}: missing argument ${concatStringsSep ", " missing}"
    else defaults // given;

  isStrings = value: isList value && all isString value;

  quote = text: "'" + builtins.replaceStrings [ "'" ] [ "'\\''" ] text + "'";
  words = list: concatStringsSep " " (map quote list);

  # In the source's folder, with $out made; must make $out/module.wasm.
  compile = ''
    if [ -z "$sources" ]; then
      set -- *.c
      if [ ! -e "$1" ]; then echo "there is no .c file in the source; name others with sources = [ … ]"; exit 1; fi
      sources="$*"
    fi
    eval "set -- $flags"
    echo "clang $* $sources"
    clang "$@" -o "$out/module.wasm" $sources
  '';

  around = middle: ''
    mkdir "$out"
    cd "$src"
    ${middle}
    if [ ! -f "$out/module.wasm" ]; then echo "the script made no \$out/module.wasm"; exit 1; fi
    chmod 644 "$out/module.wasm"
    printf '%s\n' "$manifest" > "$out/kpkg.json"
    if [ -f README.md ]; then cp README.md "$out/README.md"; fi
  '';
in
{
  mkModule = given:
    let
      subject = "kpkgs.mkModule" + (if given ? name && isString given.name then " (${given.name})" else "");
      a = arguments subject [ "name" "version" "src" ] {
        sources = [ ]; # relative to src; none: every .c file at its top
        imports = [ ]; # modules whose functions it imports (its attributes import_module("…")), without WASI's
        exports = [ ]; # functions that it exports, by their C names
        cflags = [ "-O2" "-Wall" "-Wextra" ];
        ldflags = [ ]; # of wasm-ld, without -Wl,
        debug = false; # true: keeps debug information (the C library's, too); the name section is always kept
        libc = true; # false: no C library, no WASI; for modules that only compute
        reactor = false; # true: no main; a library whose exports are called
        script = null; # in place of the compiler call: a shell script, run in src, that makes $out/module.wasm
        licence = "";
        description = "";
      }
        given;

      sane =
        if !(isString a.name) || match "[a-z0-9][a-z0-9-]{0,63}" a.name == null then
          throw "${subject}: name must be 1 to 64 of a-z, 0-9 and -, and not begin with -"
        else if !(isString a.version) || match "[0-9A-Za-z.+-]{1,64}" a.version == null then
          throw "${subject}: version must be 1 to 64 of 0-9, A-Z, a-z, ., + and -"
        else if !(isBool a.libc && isBool a.reactor && isBool a.debug) then throw "${subject}: libc, reactor and debug are true or false"
        else if !(a.script == null || isString a.script) then throw "${subject}: script is a string"
        else if !(isStrings a.sources && isStrings a.imports && isStrings a.exports && isStrings a.cflags && isStrings a.ldflags) then
          throw "${subject}: sources, imports, exports, cflags and ldflags are lists of strings"
        else if !(all (file: match "[0-9A-Za-z_./+-]+\\.c" file != null) a.sources) then
          throw "${subject}: sources are C files: names of 0-9, A-Z, a-z and _./+- that end in .c"
        else if !a.libc && !a.reactor then
          throw "${subject}: a module without the C library has no main; set reactor = true"
        else if !(toolchains ? clang) then
          throw "${subject}: needs the clang toolchain; import it with `kpkg toolchain import clang`"
        else true;

      manifest = {
        inherit (a) name version imports exports licence description;
        kind = "module";
        file = "module.wasm";
        wasi = if a.libc then "preview1" else "none";
      };

      flags = [ "--target=wasm32-wasip1" "--sysroot=/usr" "--no-wasm-opt" ]
        ++ (if a.debug then [ "-g" ] else [ "-Wl,--strip-debug" ])
        ++ a.cflags
        ++ (if !a.libc then [ "-nostdlib" "-ffreestanding" "-Wl,--no-entry" ]
      else if a.reactor then [ "-mexec-model=reactor" ]
      else [ ])
        ++ map (name: "-Wl,--export=" + name) a.exports
        ++ map (flag: "-Wl," + flag) a.ldflags;

      drv = derivation {
        name = "${a.name}-${a.version}";
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-euc" (around (if a.script == null then compile else a.script)) ];
        sandboxRoot = toolchains.clang;
        PATH = "/usr/lib/llvm-22/bin:/usr/bin:/bin";
        LC_ALL = "C";
        src = "${a.src}";
        sources = concatStringsSep " " a.sources;
        flags = words flags;
        manifest = toJSON manifest;
      };
    in
    assert sane;
    drv // {
      type = "derivation";
      pname = a.name;
      inherit (a) version imports exports licence description;
      kind = "module";
    };
}
