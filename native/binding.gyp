# For a user who compiles: node-gyp rebuild --directory node_modules/sluicedb/native
{ "includes": ["addon.gypi"] }
