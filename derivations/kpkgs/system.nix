# mkSystem: instances of modules, who imports from whom, and what each may touch, as data from which a generation is made
# (store/format/generation.hpp has the meaning of every field). Everything that can be wrong is refused here with its
# name, before anything is built.
let
  inherit (builtins)
    all attrNames attrValues concatStringsSep elem elemAt filter foldl' genList head isAttrs isInt isList isString
    length match map typeOf;

  grants = [ "stdout" "stderr" "stdin" "clock" "random" ];

  defaults = {
    links = { }; # import module name → the instance that provides it
    args = [ ]; # argv[1] and on
    env = { };
    grants = [ "stdout" "stderr" ];
    exit = "wait"; # "wait": the system ends when all such have ended; "ignore": its end says nothing
    memoryLimit = 0; # bytes; 0: no limit but the module's own
    module = "module.wasm"; # the file inside the component
  };

  list = names: if names == [ ] then "none" else concatStringsSep ", " names;
  isStrings = value: isList value && all isString value;
  isName = value: isString value && match "[a-z0-9-]{1,64}" value != null;
in
{
  mkSystem = given:
    let
      known = [ "name" "instances" ];
      unknown = filter (name: !(elem name known)) (attrNames given);
      subject = "kpkgs.mkSystem (${given.name})";

      # An instance with its defaults, checked against the instances before it (a list of checked ones).
      instance = before: index: raw:
        let
          place =
            if isAttrs raw && raw ? name && isString raw.name then "${subject}: instance ${raw.name}"
            else "${subject}: instance number ${toString (index + 1)}";
          knownHere = [ "name" "component" ] ++ attrNames defaults;
          unknownHere = filter (name: !(elem name knownHere)) (attrNames raw);
          i = defaults // raw;
          c = i.component;
          names = map (each: each.name) before;
          allNames = map (each: if isAttrs each && each ? name then each.name else null) given.instances;
          needs = if isAttrs c && c ? imports then c.imports else [ ];
          unlinked = filter (name: !(i.links ? ${name})) needs;
          badLinks = filter (name: !(elem i.links.${name} names)) (attrNames i.links);
          badLink = head badLinks;
          badGrants = filter (name: !(elem name grants)) i.grants;
        in
        if !(isAttrs raw) then throw "${place}: expected a set, not a ${typeOf raw}"
        else if unknownHere != [ ] then
          throw "${place}: unknown argument ${list unknownHere}; it takes ${list knownHere}"
        else if !(raw ? name) then throw "${place}: missing argument name"
        else if !(isName raw.name) then throw "${place}: the name must be 1 to 64 of a-z, 0-9 and -"
        else if !(raw ? component) then throw "${place}: missing argument component"
        else if elem raw.name names then throw "${place}: there is another instance of that name"
        else if !(isAttrs i.links) || !(all isString (attrValues i.links)) then
          throw "${place}: links is a set from import modules to names of instances"
        else if !(isStrings i.args) then throw "${place}: args is a list of strings"
        else if !(isAttrs i.env) || !(all isString (attrValues i.env)) then throw "${place}: env is a set of strings"
        else if !(isStrings i.grants) then throw "${place}: grants is a list of strings"
        else if badGrants != [ ] then
          throw "${place}: unknown grant ${list badGrants}; there are ${list grants}"
        else if !(elem i.exit [ "wait" "ignore" ]) then throw "${place}: exit is \"wait\" or \"ignore\""
        else if !(isInt i.memoryLimit) || i.memoryLimit < 0 then
          throw "${place}: memoryLimit is a number of bytes, 0 for none"
        else if badLinks != [ ] then
          (if i.links.${badLink} == raw.name then throw "${place}: ${badLink} is linked to the instance itself"
          else if elem i.links.${badLink} allNames then
            throw "${place}: ${badLink} is linked to ${i.links.${badLink}}, which comes later; a provider stands before its users"
          else throw "${place}: ${badLink} is linked to ${i.links.${badLink}}, which is no instance; before it stand: ${list names}")
        else if unlinked != [ ] then
          throw "${place}: it imports the module ${list unlinked}, and links names no instance for it; before it stand: ${list names}"
        else {
          inherit (i) name links args env grants exit memoryLimit module;
          component = "${c}";
        };

      checked = foldl'
        (before: index: before ++ [ (instance before index (elemAt given.instances index)) ]) [ ]
        (genList (index: index) (length given.instances));
    in
    if !(isAttrs given) then throw "kpkgs.mkSystem: expected a set of arguments, not a ${typeOf given}"
    else if !(given ? name) then throw "kpkgs.mkSystem: missing argument name"
    else if !(isName given.name) then throw "kpkgs.mkSystem: the name must be 1 to 64 of a-z, 0-9 and -"
    else if unknown != [ ] then throw "${subject}: unknown argument ${list unknown}; it takes ${list known}"
    else if !(given ? instances) || !(isList given.instances) then throw "${subject}: instances must be a list"
    else if given.instances == [ ] then throw "${subject}: a system needs at least one instance"
    else {
      type = "system";
      inherit (given) name;
      instances = checked;
    };
}
